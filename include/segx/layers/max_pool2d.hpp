#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/max_pool2d.hpp>

namespace segx {

/// The largest value of each window of Window × Window pixels:  y[n,c,i,j] = max_{r,s} x[n, c, i·Window + r, j·Window +
/// s]
///
///   x [N,C,H,W]    y [N,C,H/Window,W/Window]
///
/// An image whose extents are no multiples of the window is refused: its border would be lost in silence.
template <int Window>
  requires(Window > 1)
struct max_pool2d {
  static constexpr std::string_view name = "max_pool2d";
  static constexpr max_pool2d_geometry geometry{Window};
  static constexpr std::array attributes{attribute{"window", Window}};
  static constexpr layer_facts facts{};

  static constexpr const char* refuses(shape x) {
    const bool fits = x.height % Window == 0 && x.width % Window == 0 && x.height > 0 && x.width > 0;
    return fits ? nullptr : "max_pool2d: height and width must be multiples of the window";
  }
  static constexpr shape output_shape(shape x) { return {x.channels, x.height / Window, x.width / Window}; }

  template <has_max_pool2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    max_pool2d_forward(on, geometry, f);
  }
  template <has_max_pool2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    max_pool2d_backward(on, geometry, b);
  }
};

}  // namespace segx
