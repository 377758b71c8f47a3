#pragma once

#include <segx/optim/moment_optimizer.hpp>

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
/// Source: Kingma & Ba, arXiv:1412.6980.
template <std::floating_point T>
using basic_adam = detail::moment_optimizer<T, adam_options, detail::decay::in_gradient>;

using adam = basic_adam<float>;

static_assert(optimizer<adam>);

}  // namespace segx
