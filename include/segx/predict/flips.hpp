#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

namespace segx {

/// The mirror images over which test-time augmentation averages. Only for networks that may see what they segment
/// either way round: a class "left lung" would find the right one in a mirrored image.
enum class flips : std::uint8_t {
  none,        ///< the image alone
  horizontal,  ///< … and left to right
  both         ///< … and top to bottom, and both together
};

constexpr int count_of(flips over) { return 1 << static_cast<int>(over); }

/// Number k of them; number 0 is the image itself, and shares its memory. Each is its own inverse.
inline cv::Mat flipped(const cv::Mat& image, int k) {
  constexpr int codes[] = {0, 1, 0, -1};  // of OpenCV: around the vertical axis, the horizontal one, both
  if (k == 0) { return image; }
  cv::Mat result;
  cv::flip(image, result, codes[k]);
  return result;
}

}  // namespace segx
