#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/optim/adam.hpp>
#include <segx/optim/adamw.hpp>
#include <segx/optim/sgd.hpp>

namespace segx {

/// Any optimizer, chosen at run time. Movable, not copyable.
class any_optimizer {
 public:
  template <class O>
    requires(!std::same_as<O, any_optimizer> && optimizer<O>)
  any_optimizer(O o) : name(o.name), optimizer_(std::make_unique<holder<O>>(std::move(o))) {}

  std::string name;

  void step(std::span<float> weights, std::span<const float> gradients) { optimizer_->step(weights, gradients); }
  /// As `begin_step` of the optimizer; nothing, and no step is begun, if it has none.
  std::optional<step_rule> begin_step() { return optimizer_->begin_step(); }
  void set_groups(std::vector<parameter_group> groups) { optimizer_->set_groups(std::move(groups)); }
  std::span<float> state() { return optimizer_->state(); }
  std::int64_t steps() const { return optimizer_->steps(); }
  void set_steps(std::int64_t steps) { optimizer_->set_steps(steps); }
  double learning_rate() const { return optimizer_->learning_rate(); }
  void set_learning_rate(double rate) { optimizer_->set_learning_rate(rate); }

 private:
  struct interface {
    virtual ~interface() = default;
    virtual void step(std::span<float> weights, std::span<const float> gradients) = 0;
    virtual std::optional<step_rule> begin_step() = 0;
    virtual void set_groups(std::vector<parameter_group> groups) = 0;
    virtual std::span<float> state() = 0;
    virtual std::int64_t steps() const = 0;
    virtual void set_steps(std::int64_t steps) = 0;
    virtual double learning_rate() const = 0;
    virtual void set_learning_rate(double rate) = 0;
  };

  template <class O>
  struct holder final : interface {
    explicit holder(O o) : held(std::move(o)) {}
    void step(std::span<float> weights, std::span<const float> gradients) override { held.step(weights, gradients); }
    std::optional<step_rule> begin_step() override {
      if constexpr (requires { held.begin_step(); }) { return held.begin_step(); }
      return std::nullopt;
    }
    void set_groups(std::vector<parameter_group> groups) override { held.set_groups(std::move(groups)); }
    std::span<float> state() override { return held.state(); }
    std::int64_t steps() const override { return held.steps(); }
    void set_steps(std::int64_t steps) override { held.set_steps(steps); }
    double learning_rate() const override { return held.learning_rate(); }
    void set_learning_rate(double rate) override { held.set_learning_rate(rate); }
    O held;
  };

  std::unique_ptr<interface> optimizer_;
};

static_assert(optimizer<any_optimizer>);

/// What the optimizers of `make_optimizer` have in common; the rest has their own defaults.
struct make_optimizer_options {
  double learning_rate = 1e-3;
  std::optional<double> weight_decay = std::nullopt;  ///< the optimizer's own default unless given
  double momentum = 0.9;                              ///< of sgd; the others have none
};

/// "adam", "adamw" or "sgd" for so many parameters; throws `error` for another name.
inline any_optimizer make_optimizer(std::string_view name, std::size_t parameters, make_optimizer_options o = {}) {
  if (name == adam::name) {
    adam_options chosen{.learning_rate = o.learning_rate};
    chosen.weight_decay = o.weight_decay.value_or(chosen.weight_decay);
    return adam{chosen, parameters};
  }
  if (name == adamw::name) {
    adamw_options chosen{.learning_rate = o.learning_rate};
    chosen.weight_decay = o.weight_decay.value_or(chosen.weight_decay);
    return adamw{chosen, parameters};
  }
  if (name == sgd::name) {
    sgd_options chosen{.learning_rate = o.learning_rate, .momentum = o.momentum};
    chosen.weight_decay = o.weight_decay.value_or(chosen.weight_decay);
    return sgd{chosen, parameters};
  }
  fail({"no optimizer is called '", name, "'; choose adam, adamw or sgd"});
}

}  // namespace segx
