#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>

namespace segx {

/// How an image of any size comes to the height and width that a network takes, and what the network says of it back.
enum class fit : std::uint8_t {
  stretch,  ///< resized to them, whatever its aspect
  pad,      ///< resized as far as its aspect allows, and put into the middle of a black input
  tile,     ///< as it is, in overlapping tiles of that size; an image that is smaller lies in the middle of black
};

/// Where in a network's input an image lies that is resized to it, by `fit::stretch` or `fit::pad`.
inline cv::Rect place_of(cv::Size image, cv::Size input, fit how) {
  if (how == fit::stretch) { return {{}, input}; }
  const double scale = std::min(static_cast<double>(input.width) / image.width,  //
                                static_cast<double>(input.height) / image.height);
  const auto resized = [scale](int extent) { return std::max(1, static_cast<int>(std::lround(scale * extent))); };
  const cv::Size size{resized(image.width), resized(image.height)};
  return {(input.width - size.width) / 2, (input.height - size.height) / 2, size.width, size.height};
}

}  // namespace segx
