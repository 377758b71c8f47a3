#pragma once

#include <segx/optim/moments.hpp>

namespace segx {

struct adamw_options {
  double learning_rate = 1e-3;
  double beta1 = 0.9;    ///< how much of the mean gradient a step keeps
  double beta2 = 0.999;  ///< how much of the mean squared gradient a step keeps
  double epsilon = 1e-8;
  double weight_decay = 0.01;  ///< decoupled: each step takes learning_rate · weight_decay of every weight
};

/// Adam whose weight decay λ acts on the weights alone, not through the moments; as in PyTorch:
///
///   w ← (1 − α λ) w     m ← β₁ m + (1 − β₁) g     v ← β₂ v + (1 − β₂) g²
///   w ← w − α · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// Its state is m, then v: twice as many numbers as parameters. Source: Loshchilov & Hutter, arXiv:1711.05101.
template <std::floating_point T>
class basic_adamw {
 public:
  using options = adamw_options;
  static constexpr std::string_view name = "adamw";

  basic_adamw(options o, std::size_t parameters)
      : options_(o), groups_(parameters), moments_{.parameters = parameters} {
    detail::expect_moment_options(name, o);
  }

  void step(std::span<T> weights, std::span<const T> gradients) {
    detail::expect_parameters(name, groups_.parameters(), weights.size(), gradients.size());
    moments_.step(weights, gradients, groups_.all(), options_, detail::decay::decoupled);
  }

  step_rule begin_step() requires std::same_as<T, float> {
    return moments_.begin_step(groups_.all(), options_, detail::decay::decoupled);
  }

  void set_groups(std::vector<parameter_group> groups) { groups_.set(name, std::move(groups)); }
  std::span<T> state() { return moments_.values; }
  std::int64_t steps() const { return moments_.steps; }
  void set_steps(std::int64_t steps) { moments_.steps = steps; }
  double learning_rate() const { return options_.learning_rate; }
  void set_learning_rate(double rate) {
    detail::expect_amount(name, "learning_rate", rate);
    options_.learning_rate = rate;
  }

 private:
  options options_;
  detail::parameter_groups groups_;
  detail::moments<T> moments_;
};

using adamw = basic_adamw<float>;

static_assert(optimizer<adamw>);

}  // namespace segx
