#pragma once

#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>
#include <segx/kernels/pool2d.hpp>

namespace segx {

/// Windows whose means are taken: those of `windows`, or so many of equal share of the image as the result has pixels.
struct avg_pool2d_geometry {
  pool2d_geometry windows;
  bool count_include_pad = true;  // the mean counts pixels outside the image, as zeros
  bool adaptive = false;

  /// What of window i of `results` lies in an image of this extent.
  constexpr pixel_range window(int i, int extent, int results) const {
    if (!adaptive) { return windows.window(i, extent); }
    return {i * extent / results, ((i + 1) * extent + results - 1) / results};
  }

  /// Pixels that the mean of a window counts.
  constexpr int count(pixel_range rows, pixel_range columns) const {
    const bool whole = count_include_pad && !adaptive;
    return whole ? windows.kernel * windows.kernel : rows.count() * columns.count();
  }
};

template <class B>
concept has_avg_pool2d = backend<B> && requires(B& on, avg_pool2d_geometry g, const forward_pass<typename B::scalar>& f,
                                                const backward_pass<typename B::scalar>& b) {
  avg_pool2d_forward(on, g, f);
  avg_pool2d_backward(on, g, b);
};

}  // namespace segx
