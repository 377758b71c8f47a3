#pragma once

#include <segx/optim/moment_optimizer.hpp>

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
/// Source: Loshchilov & Hutter, arXiv:1711.05101.
template <std::floating_point T>
using basic_adamw = detail::moment_optimizer<T, adamw_options, detail::decay::decoupled>;

using adamw = basic_adamw<float>;

static_assert(optimizer<adamw>);

}  // namespace segx
