#pragma once

#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/global_avg_pool2d.hpp>

namespace segx {

/// The mean of each channel:  y[n,c] = Σ_{i,j} x[n,c,i,j] / (H·W)
///
///   x [N,C,H,W]    y [N,C,1,1]
struct global_avg_pool2d {
  static constexpr std::string_view name = "global_avg_pool2d";
  static constexpr layer_facts facts{.backward_reads_input = false};

  static constexpr shape output_shape(shape x) { return {x.channels, 1, 1}; }

  template <has_global_avg_pool2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    global_avg_pool2d_forward(on, f);
  }
  template <has_global_avg_pool2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    global_avg_pool2d_backward(on, b);
  }
};

}  // namespace segx
