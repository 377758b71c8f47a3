#pragma once

#include <memory>
#include <utility>

#include <segx/losses/loss.hpp>

namespace segx {

/// Any loss, in float, chosen at run time. Copies share the loss, which never changes.
class any_loss {
 public:
  template <class L>
    requires(!std::same_as<L, any_loss> && loss<L>)
  any_loss(L l) : loss_(std::make_shared<const holder<L>>(std::move(l))) {}

  std::string text() const { return loss_->text(); }

  double operator()(const xt::xtensor<float, 4>& logits, const xt::xtensor<float, 4>& target) const {
    return loss_->value(logits, target);
  }

  double operator()(const xt::xtensor<float, 4>& logits, const xt::xtensor<float, 4>& target,
                    xt::xtensor<float, 4>& dlogits, double weight = 1) const {
    return loss_->value_and_gradient(logits, target, dlogits, weight);
  }

 private:
  using batch = xt::xtensor<float, 4>;

  struct interface {
    virtual ~interface() = default;
    virtual std::string text() const = 0;
    virtual double value(const batch& logits, const batch& target) const = 0;
    virtual double value_and_gradient(const batch& logits, const batch& target, batch& dlogits,
                                      double weight) const = 0;
  };

  template <class L>
  struct holder final : interface {
    explicit holder(L l) : held(std::move(l)) {}
    std::string text() const override { return held.text(); }
    double value(const batch& logits, const batch& target) const override { return held(logits, target); }
    double value_and_gradient(const batch& logits, const batch& target, batch& dlogits, double weight) const override {
      return held(logits, target, dlogits, weight);
    }
    L held;
  };

  std::shared_ptr<const interface> loss_;
};

static_assert(loss<any_loss>);

}  // namespace segx
