#pragma once

#include <algorithm>

#include <segx/core/shape.hpp>

namespace segx {

/// Pixels from `begin` to before `end`, along one axis of an image.
struct pixel_range {
  int begin = 0;
  int end = 0;

  constexpr int count() const { return end - begin; }
};

/// Windows of `kernel` × `kernel` pixels, one every `stride` pixels; the first begins `padding` pixels outside. Unit:
/// pixels.
struct pool2d_geometry {
  int kernel = 2;
  int stride = kernel;
  int padding = 0;

  /// Each pixel lies in exactly one window.
  constexpr bool is_tiling() const { return stride == kernel && padding == 0; }

  constexpr int output_extent(int extent) const { return (extent + 2 * padding - kernel) / stride + 1; }

  /// What of window i lies in the image.
  constexpr pixel_range window(int i, int extent) const {
    const int begin = i * stride - padding;
    return {std::max(begin, 0), std::min(begin + kernel, extent)};
  }

  /// True if there are windows, and the last ones reach the image's end: its border is not lost in silence.
  constexpr bool covers(int extent) const {
    const int padded = extent + 2 * padding;
    const int gap = std::max(stride - kernel, 0);  // between windows
    return extent > 0 && padded >= kernel && (padded - kernel) % stride <= padding + gap;
  }
  constexpr bool covers(shape x) const { return covers(x.height) && covers(x.width); }
};

}  // namespace segx
