#pragma once

#include <cstdint>
#include <string>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>

namespace segx {

/// Maps of class indices [N,1,H,W] for a network that ends in a softmax: the channel of the largest of the K logits, or
/// probabilities, of each pixel [N,K,H,W]; the first of equal ones. 1 ≤ K ≤ 256. A NaN is never the largest, unless it
/// is in channel 0, the background.
inline xt::xtensor<std::uint8_t, 4> argmax(const xt::xtensor<float, 4>& scores) {
  const auto [images, channels, height, width] = scores.shape();
  if (channels < 1 || channels > 256) {
    fail({"argmax: ", channels, " channels do not fit a map of 8 bits; give 1 to 256 classes"});
  }
  const std::size_t plane = height * width;
  xt::xtensor<std::uint8_t, 4> labels = xt::xtensor<std::uint8_t, 4>::from_shape({images, 1, height, width});
  for (std::size_t n = 0; n < images; ++n) {
    const float* s = scores.data() + n * channels * plane;
    std::uint8_t* label = labels.data() + n * plane;
    for (std::size_t i = 0; i < plane; ++i) {
      std::size_t best = 0;
      for (std::size_t k = 1; k < channels; ++k) {
        if (s[k * plane + i] > s[best * plane + i]) { best = k; }
      }
      label[i] = static_cast<std::uint8_t>(best);
    }
  }
  return labels;
}

}  // namespace segx
