#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>

namespace segx {

namespace detail {

inline void expect_threshold(float threshold) {
  if (threshold > 0 && threshold < 1) { return; }
  fail({"metrics: the threshold ", threshold, " is no probability between 0 and 1; the usual is 0.5"});
}

/// The logit above which sigmoid(logit) > threshold.
inline float logit_of(float threshold) {
  expect_threshold(threshold);
  const double t = threshold;
  return static_cast<float>(std::log(t / (1 - t)));
}

inline xt::xtensor<std::uint8_t, 4> ones_above(const xt::xtensor<float, 4>& values, float limit) {
  xt::xtensor<std::uint8_t, 4> masks = xt::xtensor<std::uint8_t, 4>::from_shape(values.shape());
  for (std::size_t i = 0; i < values.size(); ++i) { masks.data()[i] = values.data()[i] > limit ? 1 : 0; }
  return masks;
}

}  // namespace detail

/// Masks of 0 and 1, [N,K,H,W], for a network that ends in a sigmoid: 1 where sigmoid(logit) > threshold ∈ (0,1). A NaN
/// is 0.
inline xt::xtensor<std::uint8_t, 4> threshold_logits(const xt::xtensor<float, 4>& logits, float threshold = 0.5F) {
  return detail::ones_above(logits, detail::logit_of(threshold));
}

/// The same from probabilities in [0,1].
inline xt::xtensor<std::uint8_t, 4> threshold_probabilities(const xt::xtensor<float, 4>& probabilities,
                                                            float threshold = 0.5F) {
  detail::expect_threshold(threshold);
  return detail::ones_above(probabilities, threshold);
}

}  // namespace segx
