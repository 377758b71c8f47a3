#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/conv2d.hpp>

namespace segx {

struct conv2d_options {
  int out_channels = 0;
  int kernel = 3;
  int stride = 1;
  int padding = kernel / 2;
  int dilation = 1;
  int groups = 1;
  bool bias = true;
  int end_padding = 0;  // more rows of zeros below, and columns at the right: TensorFlow's "same" with a stride
};

/// 2-D convolution (cross-correlation, as in every deep-learning framework):
///
///   y[n,k,i,j] = b[k] + Σ_{c,r,s} w[k,c,r,s] · x[n,c,p,q]
///   p = i·stride + r·dilation − padding,   q = j·stride + s·dilation − padding
///
///   x [N,C,H,W]    w [K,C/groups,R,R]    b [K]    y [N,K,H',W']
///   H' = ⌊(H + 2·padding + end_padding − dilation·(R − 1) − 1) / stride⌋ + 1
///
/// Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
template <conv2d_options O>
  requires(O.out_channels > 0 && O.kernel > 0 && O.stride > 0 && O.padding >= 0 && O.end_padding >= 0 &&
           O.dilation > 0 && O.groups > 0 && O.out_channels % O.groups == 0)
struct conv2d {
  static constexpr std::string_view name = "conv2d";
  static constexpr conv2d_geometry geometry{O.kernel, O.stride, O.padding, O.dilation, O.groups, O.end_padding};
  static constexpr std::array attributes{
      attribute{"kernel", O.kernel},   attribute{"stride", O.stride},
      attribute{"padding", O.padding}, attribute{"dilation", O.dilation},
      attribute{"groups", O.groups},   O.end_padding > 0 ? attribute{"end_padding", O.end_padding} : attribute{}};
  static constexpr layer_facts facts{.accepts_epilogue = true, .channel_axis = 0};

  static constexpr const char* refuses(shape x) {
    if (x.channels % O.groups != 0) { return "conv2d: the channels cannot be split into so many groups"; }
    const int zeros = 2 * O.padding + O.end_padding;
    const bool fits = x.height + zeros >= geometry.reach() && x.width + zeros >= geometry.reach();
    return fits ? nullptr : "conv2d: the kernel is larger than the padded input";
  }

  static constexpr shape output_shape(shape x) {
    return {O.out_channels, geometry.output_extent(x.height), geometry.output_extent(x.width)};
  }

  static constexpr auto parameters(shape x) {
    const int fan_in = x.channels / O.groups * O.kernel * O.kernel;
    const parameter weight{
        "weight", {O.out_channels, x.channels / O.groups, O.kernel, O.kernel}, init::he_normal, fan_in};
    if constexpr (O.bias) {
      return std::array{weight, parameter{"bias", {O.out_channels}}};
    } else {
      return std::array{weight};
    }
  }

  static constexpr std::int64_t macs(shape x) {
    return output_shape(x).size() * (x.channels / O.groups) * O.kernel * O.kernel;
  }

  template <backend B>
  static constexpr workspace needs(shape x, choices<B> how = choice_of<B>) {
    return conv2d_workspace(std::type_identity<B>{}, geometry, x, output_shape(x), how);
  }

  template <class B>
  static void pack(B& on, const packing<typename B::scalar>& p) requires requires {
    conv2d_pack(on, geometry, p);
  }
  { conv2d_pack(on, geometry, p); }
  template <has_conv2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    conv2d_forward(on, geometry, f);
  }
  template <has_streamed_conv2d B>
    requires(O.kernel == 1 || O.groups > 1)
  static void forward_streamed(B& on, const forward_pass<typename B::scalar>& first,
                               const forward_pass<typename B::scalar>& f) {
    conv2d_forward_streamed(on, geometry, first, f);
  }
  template <has_conv2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    conv2d_backward(on, geometry, b);
  }
};

template <int Channels>
using conv3x3 = conv2d<conv2d_options{.out_channels = Channels}>;

template <int Channels>
using conv1x1 = conv2d<conv2d_options{.out_channels = Channels, .kernel = 1}>;

/// Sees 2·Dilation + 1 pixels in each direction, and keeps height and width.
template <int Channels, int Dilation>
using dilated_conv3x3 = conv2d<conv2d_options{.out_channels = Channels, .padding = Dilation, .dilation = Dilation}>;

}  // namespace segx
