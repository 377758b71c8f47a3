#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <segx/optim/optimizer.hpp>

namespace segx {

/// Moves the exponential moving average a of weights w, which is often better than the weights of any one step:
///
///   a ← a + (1 − d) (w − a),   d = min(decay, (1 + t) / (10 + t)) behind step t = 0, 1, …
///
/// The second term lets the average follow quickly at first, so that it forgets the random start. Source: Polyak &
/// Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the start as in TensorFlow's
/// ExponentialMovingAverage(num_updates).
inline float fresh_share(double decay, std::int64_t step) {
  const auto t = static_cast<double>(step);
  return static_cast<float>(1 - std::min(decay, (1 + t) / (10 + t)));
}
inline void move_average(std::span<float> average, std::span<const float> weights, double decay, std::int64_t step) {
  detail::expect_parameters("moving average", average.size(), weights.size(), average.size());
  const float fresh = fresh_share(decay, step);
  for (std::size_t i = 0; i < average.size(); ++i) { average[i] += fresh * (weights[i] - average[i]); }
}

}  // namespace segx
