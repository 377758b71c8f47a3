#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/avg_pool2d.hpp>

namespace segx {

/// Means of Height × Width windows that share the image, whatever its size. As in PyTorch, window (i, j) has the rows
/// from ⌊i·H / Height⌋ to before ⌈(i + 1)·H / Height⌉, and columns likewise; windows may overlap by a pixel.
///
///   x [N,C,H,W]    y [N,C,Height,Width]
///
/// Source: the pyramid pooling of Zhao et al., "Pyramid scene parsing network", CVPR 2017, arXiv:1612.01105.
template <int Height, int Width = Height>
  requires(Height > 0 && Width > 0)
struct adaptive_avg_pool2d {
  static constexpr std::string_view name = "adaptive_avg_pool2d";
  static constexpr avg_pool2d_geometry geometry{.windows = {}, .adaptive = true};
  static constexpr std::array attributes{attribute{"height", Height}, attribute{"width", Width}};
  static constexpr layer_facts facts{.backward_reads_input = false};

  static constexpr shape output_shape(shape x) { return {x.channels, Height, Width}; }

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
