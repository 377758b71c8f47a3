#pragma once

#include <segx/optim/moments.hpp>

namespace segx {

struct adam_options {
  double learning_rate = 1e-3;
  double beta1 = 0.9;    ///< how much of the mean gradient a step keeps
  double beta2 = 0.999;  ///< how much of the mean squared gradient a step keeps
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< L2: added to the gradient times the weight
};

/// Adam with learning rate α, weight decay λ, step t from 1, as in PyTorch:
///
///   g ← g + λ w     m ← β₁ m + (1 − β₁) g     v ← β₂ v + (1 − β₂) g²
///   w ← w − α · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// Its state is m, then v: twice as many numbers as parameters. Source: Kingma & Ba, arXiv:1412.6980.
template <std::floating_point T>
class basic_adam {
 public:
  using options = adam_options;
  static constexpr std::string_view name = "adam";

  basic_adam(options o, std::size_t parameters) : options_(o), groups_(parameters), moments_{.parameters = parameters} {
    detail::expect_moment_options(name, o);
  }

  void step(std::span<T> weights, std::span<const T> gradients) {
    detail::expect_parameters(name, groups_.parameters(), weights.size(), gradients.size());
    moments_.step(weights, gradients, groups_.all(), options_, detail::decay::in_gradient);
  }

  step_rule begin_step() requires std::same_as<T, float> {
    return moments_.begin_step(groups_.all(), options_, detail::decay::in_gradient);
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

using adam = basic_adam<float>;

static_assert(optimizer<adam>);

}  // namespace segx
