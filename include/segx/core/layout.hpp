#pragma once

#include <cstdint>

#include <segx/core/shape.hpp>

namespace segx {

/// How a backend keeps one image's [C,H,W] in memory.
///
///   block = 1:  plain, [C][H][W]
///   block = B:  [⌈C/B⌉][H][W][B], so that a vector holds B channels of one pixel; the lanes behind the last channel
///               hold finite values that nobody reads. A tensor of B/2 channels or fewer (an image, one logit) stays
///               plain.
///   channels_last:  [H][W][C], as the tensor cores of GPUs want it
struct layout {
  int block = 1;
  bool channels_last = false;

  constexpr bool is_blocked(shape s) const { return block > 1 && 2 * s.channels > block; }

  constexpr std::int64_t floats(shape s) const {
    return is_blocked(s) ? (s.channels + block - 1) / block * block * s.plane() : s.size();
  }

  /// Where element [c,i,j] of an image of shape s stands.
  constexpr std::int64_t index(shape s, int c, int i, int j) const {
    const std::int64_t pixel = std::int64_t{i} * s.width + j;
    if (channels_last) { return pixel * s.channels + c; }
    return is_blocked(s) ? (c / block * s.plane() + pixel) * block + c % block : c * s.plane() + pixel;
  }

  /// True if [first; second], joined along the channels, stands in memory as first followed by second.
  constexpr bool joins(shape first, shape second) const {
    if (channels_last) { return false; }
    return block == 1 || (is_blocked(first) && is_blocked(second) && first.channels % block == 0);
  }

  friend constexpr bool operator==(const layout&, const layout&) = default;
};

}  // namespace segx
