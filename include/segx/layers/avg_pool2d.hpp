#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/avg_pool2d.hpp>

namespace segx {

struct avg_pool2d_options {
  int kernel = 2;
  int stride = kernel;
  int padding = 0;
  bool count_include_pad = true;  // false: the mean of the pixels that lie in the image
};

/// The mean of each window of R × R pixels, as PyTorch's AvgPool2d:
///
///   y[n,c,i,j] = Σ_{r,s} x[n, c, i·stride + r − padding, j·stride + s − padding] / R²
///
///   x [N,C,H,W]    y [N,C,H',W'],  H' = (H + 2·padding − R) / stride + 1
///
/// Outside the image x is zero. As with max_pool2d, images are refused whose last rows or columns lie in no window.
template <avg_pool2d_options O>
  requires(O.kernel > 0 && O.stride > 0 && O.padding >= 0 && 2 * O.padding <= O.kernel)
struct avg_pool2d {
  static constexpr std::string_view name = "avg_pool2d";
  static constexpr avg_pool2d_geometry geometry{{O.kernel, O.stride, O.padding}, O.count_include_pad};
  static constexpr std::array attributes{attribute{"kernel", O.kernel}, attribute{"stride", O.stride},
                                         attribute{"padding", O.padding},
                                         attribute{"count_include_pad", O.count_include_pad ? 1.0 : 0.0}};
  static constexpr layer_facts facts{.backward_reads_input = false};

  static constexpr const char* refuses(shape x) {
    return geometry.windows.covers(x) ? nullptr : "avg_pool2d: the last rows or columns lie in no window";
  }
  static constexpr shape output_shape(shape x) {
    return {x.channels, geometry.windows.output_extent(x.height), geometry.windows.output_extent(x.width)};
  }

  template <has_avg_pool2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    avg_pool2d_forward(on, geometry, f);
  }
  template <has_avg_pool2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    avg_pool2d_backward(on, geometry, b);
  }
};

}  // namespace segx
