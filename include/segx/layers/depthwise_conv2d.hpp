#pragma once

#include <array>
#include <string_view>
#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/conv2d.hpp>

namespace segx {

struct depthwise_conv2d_options {
  int kernel = 3;
  int stride = 1;
  int padding = kernel / 2;
  int dilation = 1;
  bool bias = true;
  int end_padding = 0;  // as in conv2d_options
};

/// A convolution of each channel with a kernel of its own: conv2d with as many groups as channels arrive.
///
///   y[n,c,i,j] = b[c] + Σ_{r,s} w[c,0,r,s] · x[n, c, i·stride + r·dilation − padding, j·stride + s·dilation − padding]
///
///   x [N,C,H,W]    w [C,1,R,R]    b [C]    y [N,C,H',W'], H' as in conv2d
///
/// Source: Howard et al., "MobileNets", arXiv:1704.04861.
template <depthwise_conv2d_options O>
  requires(O.kernel > 0 && O.stride > 0 && O.padding >= 0 && O.end_padding >= 0 && O.dilation > 0)
struct depthwise_conv2d {
  static constexpr std::string_view name = "depthwise_conv2d";
  static constexpr std::array attributes{attribute{"kernel", O.kernel}, attribute{"stride", O.stride},
                                         attribute{"padding", O.padding}, attribute{"dilation", O.dilation},
                                         O.end_padding > 0 ? attribute{"end_padding", O.end_padding} : attribute{}};
  static constexpr layer_facts facts{.accepts_epilogue = true, .channel_axis = 0};

  static constexpr conv2d_geometry geometry(shape x) {
    return {O.kernel, O.stride, O.padding, O.dilation, x.channels, O.end_padding};
  }

  static constexpr const char* refuses(shape x) {
    const int zeros = 2 * O.padding + O.end_padding;
    const int reach = geometry(x).reach();
    const bool fits = x.height + zeros >= reach && x.width + zeros >= reach;
    return fits ? nullptr : "depthwise_conv2d: the kernel is larger than the padded input";
  }

  static constexpr shape output_shape(shape x) {
    return {x.channels, geometry(x).output_extent(x.height), geometry(x).output_extent(x.width)};
  }

  static constexpr auto parameters(shape x) {
    const parameter weight{"weight", {x.channels, 1, O.kernel, O.kernel}, init::he_normal, O.kernel * O.kernel};
    if constexpr (O.bias) {
      return std::array{weight, parameter{"bias", {x.channels}}};
    } else {
      return std::array{weight};
    }
  }

  static constexpr std::int64_t macs(shape x) { return output_shape(x).size() * O.kernel * O.kernel; }

  template <backend B>
  static constexpr workspace needs(shape x) {
    return conv2d_workspace(std::type_identity<B>{}, geometry(x), x, output_shape(x), choice_of<B>);
  }

  template <class B>
  static void pack(B& on, const packing<typename B::scalar>& p) requires requires {
    conv2d_pack(on, conv2d_geometry{}, p);
  }
  { conv2d_pack(on, geometry(p.x), p); }
  template <has_conv2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    conv2d_forward(on, geometry(f.x[0].extent), f);
  }
  template <has_streamed_conv2d B>
  static void forward_streamed(B& on, const forward_pass<typename B::scalar>& first,
                               const forward_pass<typename B::scalar>& f) {
    conv2d_forward_streamed(on, geometry(first.y.extent), first, f);
  }
  template <has_conv2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    conv2d_backward(on, geometry(b.x[0].extent), b);
  }
};

/// Keeps height and width, or divides them by `Stride`.
template <int Kernel, int Stride = 1>
using depthwise_conv = depthwise_conv2d<depthwise_conv2d_options{.kernel = Kernel, .stride = Stride}>;

}  // namespace segx
