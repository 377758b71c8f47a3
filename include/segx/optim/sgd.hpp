#pragma once

#include <utility>
#include <vector>

#include <segx/kernels/cpu/subnormals.hpp>
#include <segx/optim/optimizer.hpp>
#include <segx/optim/parameter_group.hpp>
#include <segx/optim/step_rule.hpp>

namespace segx {

struct sgd_options {
  double learning_rate = 1e-3;
  double momentum = 0;
  bool nesterov = false;    ///< look ahead along the momentum, which must then be above 0
  double weight_decay = 0;  ///< L2: added to the gradient times the weight
};

/// Stochastic gradient descent with momentum μ, weight decay λ and learning rate α, as in PyTorch with dampening 0:
///
///   g ← g + λ w     b ← μ b + g     w ← w − α b,   Nesterov: w ← w − α (g + μ b)
///
/// Its state is b, or nothing without momentum. Source: Sutskever et al., "On the importance of initialization and
/// momentum in deep learning", 2013.
template <std::floating_point T>
class basic_sgd {
 public:
  using options = sgd_options;
  static constexpr std::string_view name = "sgd";

  basic_sgd(options o, std::size_t parameters)
      : options_(o), groups_(parameters), state_(o.momentum == 0 ? 0 : parameters) {
    detail::expect_amount(name, "learning_rate", o.learning_rate);
    detail::expect_amount(name, "momentum", o.momentum);
    detail::expect_amount(name, "weight_decay", o.weight_decay);
    detail::expect_option(!o.nesterov || o.momentum > 0, name, "momentum", o.momentum, "above 0 for nesterov");
  }

  void step(std::span<T> weights, std::span<const T> gradients) {
    detail::expect_parameters(name, groups_.parameters(), weights.size(), gradients.size());
    ++steps_;
    const detail::subnormals_as_zero fast;  // the momentum of weights without gradients fades
    for (const parameter_group& group : groups_.all()) { step(group, weights.data(), gradients.data()); }
  }

  step_rule begin_step() requires std::same_as<T, float> {
    ++steps_;
    step_rule rule{options_.momentum == 0 ? step_rule::plain
                   : options_.nesterov    ? step_rule::nesterov
                                          : step_rule::momentum,
                   {}};
    for (const parameter_group& group : groups_.all()) {
      rule.groups.push_back({.first = group.first,
                             .count = group.count,
                             .rate = static_cast<float>(options_.learning_rate * group.rate),
                             .l2 = static_cast<float>(group.decays ? options_.weight_decay : 0),
                             .momentum = static_cast<float>(options_.momentum)});
    }
    return rule;
  }

  void set_groups(std::vector<parameter_group> groups) { groups_.set(name, std::move(groups)); }
  std::span<T> state() { return state_; }
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }
  double learning_rate() const { return options_.learning_rate; }
  void set_learning_rate(double rate) {
    detail::expect_amount(name, "learning_rate", rate);
    options_.learning_rate = rate;
  }

 private:
  void step(const parameter_group& group, T* w, const T* g) {
    const T rate = static_cast<T>(options_.learning_rate * group.rate);
    const T momentum = static_cast<T>(options_.momentum);
    const T decay = static_cast<T>(group.decays ? options_.weight_decay : 0);
    T* b = state_.data();
    const std::size_t end = group.first + group.count;
    if (options_.momentum == 0) {
      for (std::size_t i = group.first; i < end; ++i) { w[i] -= rate * (g[i] + decay * w[i]); }
    } else if (options_.nesterov) {
      for (std::size_t i = group.first; i < end; ++i) {
        const T slope = g[i] + decay * w[i];
        b[i] = momentum * b[i] + slope;
        w[i] -= rate * (slope + momentum * b[i]);
      }
    } else {
      for (std::size_t i = group.first; i < end; ++i) {
        b[i] = momentum * b[i] + (g[i] + decay * w[i]);
        w[i] -= rate * b[i];
      }
    }
  }

  options options_;
  detail::parameter_groups groups_;
  std::vector<T> state_;
  std::int64_t steps_ = 0;
};

using sgd = basic_sgd<float>;

static_assert(optimizer<sgd>);

}  // namespace segx
