#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/losses/logistic.hpp>

namespace segx::detail {

/// Throws unless there is a weight for each of the channels, one for all, or none at all, which means 1.
inline void expect_weights(std::string_view loss, std::string_view option, const std::vector<double>& weights,
                           std::size_t channels) {
  if (weights.size() <= 1 || weights.size() == channels) { return; }
  fail({loss, ": ", option, " has ", weights.size(), " numbers, but the logits have ", channels,
        " channels; give one for each channel, or one for all"});
}

inline double weight_of(const std::vector<double>& weights, std::size_t k) {
  return weights.empty() ? 1 : weights[weights.size() == 1 ? 0 : k];
}

/// w[j] = weight · factors[j], with the factors of pixels (`loss_call::factors`), or weight where there are no factors.
template <class T>
void read_factors(const T* factors, T weight, block_of<T>& w, std::size_t count) {
  if (!factors) {
    std::fill_n(w.data(), count, weight);
    return;
  }
  for (std::size_t j = 0; j < count; ++j) { w[j] = weight * factors[j]; }
}

}  // namespace segx::detail
