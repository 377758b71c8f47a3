#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include <segx/optim/parameter_group.hpp>

namespace segx {

/// √Σ g² over the gradients of all groups, summed in double.
inline double gradient_norm(std::span<const float> gradients, std::span<const parameter_group> groups) {
  double sum = 0;
  for (const parameter_group& group : groups) {
    for (const float g : gradients.subspan(group.first, group.count)) { sum += static_cast<double>(g) * g; }
  }
  return std::sqrt(sum);
}

/// Shortens the gradient of all groups together to `longest`, its direction kept:  g ← g · min(1, longest / |g|).
/// Source: Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural networks", arXiv:1211.5063.
inline void clip_norm(std::span<float> gradients, std::span<const parameter_group> groups, double longest) {
  const double norm = gradient_norm(gradients, groups);
  if (!(norm > longest)) { return; }
  const auto scale = static_cast<float>(longest / norm);
  for (const parameter_group& group : groups) {
    for (float& g : gradients.subspan(group.first, group.count)) { g *= scale; }
  }
}

/// g ← g cut off at ±largest, each by itself.
inline void clip_value(std::span<float> gradients, std::span<const parameter_group> groups, double largest) {
  const auto most = static_cast<float>(largest);
  for (const parameter_group& group : groups) {
    for (float& g : gradients.subspan(group.first, group.count)) { g = std::clamp(g, -most, most); }
  }
}

}  // namespace segx
