#pragma once

#include <vector>

#include <segx/optim/optimizer.hpp>

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
      : options_(o), parameters_(parameters), state_(o.momentum == 0 ? 0 : parameters) {
    detail::expect_amount(name, "learning_rate", o.learning_rate);
    detail::expect_amount(name, "momentum", o.momentum);
    detail::expect_amount(name, "weight_decay", o.weight_decay);
    detail::expect_option(!o.nesterov || o.momentum > 0, name, "momentum", o.momentum, "above 0 for nesterov");
  }

  void step(std::span<T> weights, std::span<const T> gradients) {
    detail::expect_parameters(name, parameters_, weights.size(), gradients.size());
    ++steps_;
    const T rate = static_cast<T>(options_.learning_rate);
    const T momentum = static_cast<T>(options_.momentum);
    const T decay = static_cast<T>(options_.weight_decay);
    T* w = weights.data();
    const T* g = gradients.data();
    T* b = state_.data();
    if (options_.momentum == 0) {
      for (std::size_t i = 0; i < parameters_; ++i) { w[i] -= rate * (g[i] + decay * w[i]); }
    } else if (options_.nesterov) {
      for (std::size_t i = 0; i < parameters_; ++i) {
        const T slope = g[i] + decay * w[i];
        b[i] = momentum * b[i] + slope;
        w[i] -= rate * (slope + momentum * b[i]);
      }
    } else {
      for (std::size_t i = 0; i < parameters_; ++i) {
        b[i] = momentum * b[i] + (g[i] + decay * w[i]);
        w[i] -= rate * b[i];
      }
    }
  }

  std::span<T> state() { return state_; }
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }
  double learning_rate() const { return options_.learning_rate; }
  void set_learning_rate(double rate) {
    detail::expect_amount(name, "learning_rate", rate);
    options_.learning_rate = rate;
  }

 private:
  options options_;
  std::size_t parameters_;
  std::vector<T> state_;
  std::int64_t steps_ = 0;
};

using sgd = basic_sgd<float>;

static_assert(optimizer<sgd>);

}  // namespace segx
