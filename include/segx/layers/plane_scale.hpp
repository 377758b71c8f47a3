#pragma once

#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/plane_scale.hpp>

namespace segx {

/// Each pixel times a factor of its own:  y[n,c,i,j] = x[n,c,i,j] · factor[n,0,i,j]
///
///   x [N,C,H,W]    factor [N,1,H,W]    y [N,C,H,W]
struct plane_scale {
  static constexpr std::string_view name = "plane_scale";
  static constexpr layer_facts facts{.accepts_epilogue = true};

  static constexpr const char* refuses(shape x, shape factor) {
    return factor == shape{1, x.height, x.width} ? nullptr : "plane_scale: expected one factor for each pixel, [1,H,W]";
  }
  static constexpr shape output_shape(shape x, shape /*factor*/) { return x; }

  template <has_plane_scale B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    plane_scale_forward(on, f);
  }
  template <has_plane_scale B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    plane_scale_backward(on, b);
  }
};

}  // namespace segx
