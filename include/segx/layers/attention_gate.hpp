#pragma once

#include <segx/core/combine.hpp>
#include <segx/layers/add.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/plane_scale.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/sigmoid.hpp>

namespace segx {

/// Weighs the pixels of what a skip connection brings by what the decoder sees there:
///
///   y = x · α,   α = sigmoid(ψ relu(W_g g + b_g + W_x x) + b_ψ)
///
///   x [N,C,H,W]    g [N,D,H,W]    W_x [Inner,C], W_g [Inner,D], ψ [1,Inner]    α [N,1,H,W]    y [N,C,H,W]
///
/// Here g is enlarged before it gets to the gate; in the paper, α is.
///
/// Source: Oktay et al., "Attention U-Net: learning where to look for the pancreas", arXiv:1804.03999.
template <int Inner>
struct attention_gate {
  static constexpr tensor wire(auto& graph, tensor x, tensor g) {
    using of_x = conv2d<conv2d_options{.out_channels = Inner, .kernel = 1, .bias = false}>;
    const sentence outer = graph.enter("gate", false);
    const tensor asked = graph(named<"g", conv1x1<Inner>>{}, g);
    const tensor seen = graph(named<"x", of_x>{}, x);
    const tensor met = graph(relu{}, graph(add{}, asked, seen));
    const tensor alpha = graph(sigmoid{}, graph(named<"psi", conv1x1<1>>{}, met));
    const tensor y = graph(plane_scale{}, x, alpha);
    graph.leave(outer);
    return y;
  }
};

/// The skip connection of the Attention U-Net, with the deeper floors and the way up again in `Body...`:
///
///   x ─┬─ Body... ─ g ─┬───────┐
///      └───────────── gate ─ concat
template <int Inner, class... Body>
struct attention_skip {
  static constexpr tensor wire(auto& graph, tensor x) {
    const tensor g = graph(chain<Body...>{}, x);
    return graph(concat{}, attention_gate<Inner>::wire(graph, x, g), g);
  }
};

}  // namespace segx
