#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <segx/losses/loss.hpp>

namespace segx {

/// Any loss, in float, chosen at run time. Copies share the loss, which never changes.
class any_loss {
 public:
  template <class L>
    requires(!std::same_as<L, any_loss> && loss<L>)
  any_loss(L l) : loss_(std::make_shared<const holder<L>>(std::move(l))) {}

  std::string text() const { return loss_->text(); }
  loss_facts facts() const { return loss_->facts(); }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  double compute(const loss_call<float>& call) const { return loss_->compute(call); }

  /// What it is the sum of.
  std::vector<loss_part> parts() const {
    std::vector<loss_part> all;
    add_parts(1, all);
    return all;
  }
  void add_parts(double factor, std::vector<loss_part>& to) const { loss_->add_parts(factor, to); }

 private:
  struct interface {
    virtual ~interface() = default;
    virtual std::string text() const = 0;
    virtual loss_facts facts() const = 0;
    virtual double compute(const loss_call<float>& call) const = 0;
    virtual void add_parts(double factor, std::vector<loss_part>& to) const = 0;
  };

  template <class L>
  struct holder final : interface {
    explicit holder(L l) : held(std::move(l)) {}
    std::string text() const override { return held.text(); }
    loss_facts facts() const override { return detail::facts_of(held); }
    double compute(const loss_call<float>& call) const override { return detail::compute(held, call); }
    void add_parts(double factor, std::vector<loss_part>& to) const override { detail::add_parts(held, factor, to); }
    L held;
  };

  std::shared_ptr<const interface> loss_;
};

static_assert(loss<any_loss>);

}  // namespace segx
