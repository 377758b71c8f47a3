#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>

namespace segx::detail {

/// Throws unless there is a weight for each of the channels, one for all, or none at all, which means 1.
inline void expect_weights(std::string_view loss, std::string_view option, const std::vector<double>& weights,
                           std::size_t channels) {
  if (weights.size() <= 1 || weights.size() == channels) { return; }
  throw error(std::string(loss) + ": " + std::string(option) + " has " + std::to_string(weights.size()) +
              " numbers, but the logits have " + std::to_string(channels) +
              " channels; give one for each channel, or one for all");
}

inline double weight_of(const std::vector<double>& weights, std::size_t k) {
  return weights.empty() ? 1 : weights[weights.size() == 1 ? 0 : k];
}

}  // namespace segx::detail
