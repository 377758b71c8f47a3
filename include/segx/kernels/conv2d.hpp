#pragma once

#include <concepts>
#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/core/shape.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

/// Everything a convolution kernel must know besides the extents of its operands. Unit: pixels.
struct conv2d_geometry {
  int kernel = 3;
  int stride = 1;
  int padding = 1;
  int dilation = 1;
  int groups = 1;       // channels are convolved in so many separate groups
  int end_padding = 0;  // more zeros below and at the right

  /// Extent that a kernel covers.
  constexpr int reach() const { return dilation * (kernel - 1) + 1; }
  constexpr int output_extent(int extent) const { return (extent + 2 * padding + end_padding - reach()) / stride + 1; }
};

/// A backend has the convolution when these overloads exist for it. `parameters` are weight [K,C/groups,R,R] and
/// bias [K], null where there is none.
template <class B>
concept has_conv2d = backend<B> && requires(B& on, conv2d_geometry g, const forward_pass<typename B::scalar>& f,
                                            const backward_pass<typename B::scalar>& b) {
  conv2d_forward(on, g, f);
  conv2d_backward(on, g, b);
};

/// A backend that streams also has the convolution of what it does not store: `first` is the layer that makes it, as
/// the convolution's workspace `takes` it.
template <class B>
concept has_streamed_conv2d = has_conv2d<B> &&
    requires(B& on, conv2d_geometry g, const forward_pass<typename B::scalar>& f) {
  conv2d_forward_streamed(on, g, f, f);
};

/// Transposed convolution: the backward pass of conv2d with the same geometry, as a layer. `parameters` are weight
/// [C,K,R,R] and bias [K], null where there is none.
template <class B>
concept has_conv_transpose2d = backend<B> &&
    requires(B& on, conv2d_geometry g, const forward_pass<typename B::scalar>& f,
             const backward_pass<typename B::scalar>& b) {
  conv_transpose2d_forward(on, g, f);
  conv_transpose2d_backward(on, g, b);
};

/// What a backend needs for a convolution from x to y: nothing, unless it says otherwise.
template <backend B>
constexpr workspace conv2d_workspace(std::type_identity<B>, const conv2d_geometry&, shape, shape, choices<B>) {
  return {};
}
template <backend B>
constexpr workspace conv_transpose2d_workspace(std::type_identity<B>, const conv2d_geometry&, shape, shape) {
  return {};
}

}  // namespace segx
