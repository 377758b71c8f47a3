#pragma once

#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/softmax.hpp>

namespace segx {

/// Probabilities over the channels of each pixel:  y[n,c,i,j] = e^x[n,c,i,j] / Σ_k e^x[n,k,i,j]
///
///   x, y [N,C,H,W]
///
/// At the end of a network it is the head: training and losses see the logits x, prediction gives y.
struct softmax {
  static constexpr std::string_view name = "softmax";
  static constexpr activation as_head = activation::softmax;
  static constexpr layer_facts facts{.in_place = true, .backward_reads_input = false, .backward_reads_output = true};

  static constexpr const char* refuses(shape x) {
    return x.channels > 1 ? nullptr : "softmax: one channel would be 1 everywhere; use sigmoid";
  }
  static constexpr shape output_shape(shape x) { return x; }

  template <has_softmax B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    softmax_forward(on, f);
  }
  template <has_softmax B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    softmax_backward(on, b);
  }
};

}  // namespace segx
