#pragma once

#include <segx/core/graph.hpp>
#include <segx/kernels/elementwise.hpp>

namespace segx {

/// What pointwise layers share: x and y [N,C,H,W]; y may overwrite x; fused into the layer before where that takes it.
template <epilogue Then>
struct pointwise {
  static constexpr epilogue as_epilogue = Then;
  static constexpr layer_facts facts{.training_only = Then.act == activation::none,
                                     .in_place = true,
                                     .backward_reads_input = !slope_follows_from_result(Then.act)};

  static constexpr shape output_shape(shape x) { return x; }

  template <has_pointwise B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    pointwise_forward(on, f);
  }
  template <has_pointwise B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    pointwise_backward(on, b);
  }
};

}  // namespace segx
