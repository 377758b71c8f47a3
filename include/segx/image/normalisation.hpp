#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <segx/core/error.hpp>

// Standard library only: a browser normalises as the training did.

namespace segx {

/// What a network is given of a pixel value x in [0,1]: (x − mean) / deviation, for each channel (red, green, blue; a
/// gray image has the first alone). By default the value itself.
struct normalisation {
  std::array<float, 3> mean{0, 0, 0};
  std::array<float, 3> deviation{1, 1, 1};

  constexpr float operator()(float x, int channel) const { return (x - mean[channel]) / deviation[channel]; }

  friend constexpr bool operator==(const normalisation&, const normalisation&) = default;

  /// [0,1], as it is.
  static constexpr normalisation unit() { return {}; }

  /// [−1,1]: bytes / 127.5 − 1, as TensorFlow's networks have it.
  static constexpr normalisation minus_one_to_one() { return {{0.5F, 0.5F, 0.5F}, {0.5F, 0.5F, 0.5F}}; }

  /// Mean and deviation of ImageNet's photographs, as PyTorch's networks have it.
  static constexpr normalisation imagenet() { return {{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}}; }
};

/// The normalisation that a text stands for: `unit`, `imagenet`, `minus_one_to_one`, or numbers for one or all channels
/// as in `mean 0.5 std 0.25`, `mean 0.485 0.456 0.406 std 0.229 0.224 0.225`; nothing for other texts.
std::optional<normalisation> find_normalisation(std::string_view text);

/// The same; other texts are an error.
normalisation parse_normalisation(std::string_view text);

/// The text that parse_normalisation reads, for a model card.
std::string text_of(const normalisation& n);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/normalisation.hpp>
#endif
