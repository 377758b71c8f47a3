#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include <segx/runtime/program.hpp>

namespace segx {

/// True if a batch normalisation of this program moved into another layer's weights.
template <class Backend>
bool folds_norms(const program<Backend>& what) {
  for (const auto& node : what.nodes) {
    if (node.norm) { return true; }
  }
  return false;
}

/// Makes the weights that a deployed network reads from those that were trained: where a batch normalisation follows a
/// convolution,
///
///   w'[k,…] = w[k,…] · s[k],   b'[k] = β[k] + (b[k] − mean[k]) · s[k],   s = γ / √(var + ε)
///
/// b' takes the place of β in the flat array. In double, as the square root would otherwise cost digits.
template <class Backend, class T>
void fold_norms(const program<Backend>& what, std::span<T> weights) {
  for (const auto& node : what.nodes) {
    if (!node.norm) { continue; }
    const auto at = [&](std::int64_t place, std::int64_t k) -> T& { return weights[place + k]; };
    const auto& [gamma, beta, mean, variance] = node.norm.places;
    const parameter& weight = node.parameters[0];
    const int axis = node.facts.channel_axis;
    const std::int64_t channels = weight.extents[axis];
    std::int64_t inner = 1;
    for (int e = axis + 1; e < 4; ++e) { inner *= weight.extents[e]; }
    const std::int64_t outer = weight.size() / (channels * inner);
    for (std::int64_t k = 0; k < channels; ++k) {
      const double scale = at(gamma, k) / std::sqrt(static_cast<double>(at(variance, k)) + node.norm.epsilon);
      const double bias = node.norm.bias < 0 ? 0.0 : static_cast<double>(at(node.norm.bias, k));
      at(beta, k) = static_cast<T>(at(beta, k) + (bias - at(mean, k)) * scale);
      for (std::int64_t o = 0; o < outer; ++o) {
        T* block = &weights[node.places[0] + (o * channels + k) * inner];
        for (std::int64_t i = 0; i < inner; ++i) { block[i] = static_cast<T>(block[i] * scale); }
      }
    }
  }
}

}  // namespace segx
