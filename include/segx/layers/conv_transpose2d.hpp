#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/conv2d.hpp>

namespace segx {

struct conv_transpose2d_options {
  int out_channels = 0;
  int kernel = 2;
  int stride = 2;
  int padding = 0;
  bool bias = true;
};

/// Transposed 2-D convolution, which enlarges an image; the gradient of conv2d as a layer:
///
///   y[n,k,p,q] = b[k] + Σ w[c,k,r,s] · x[n,c,i,j]
///   over all c,i,j,r,s with i·stride + r − padding = p and j·stride + s − padding = q
///
///   x [N,C,H,W]    w [C,K,R,R]    b [K]    y [N,K,H',W']
///   H' = (H − 1)·stride + R − 2·padding
///
/// Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, chapter 4.
template <conv_transpose2d_options O>
  requires(O.out_channels > 0 && O.kernel > 0 && O.stride > 0 && O.padding >= 0)
struct conv_transpose2d {
  static constexpr std::string_view name = "conv_transpose2d";
  static constexpr conv2d_geometry geometry{O.kernel, O.stride, O.padding};
  static constexpr std::array attributes{attribute{"kernel", O.kernel}, attribute{"stride", O.stride},
                                         attribute{"padding", O.padding}};
  static constexpr layer_facts facts{.accepts_epilogue = true, .channel_axis = 1};

  static constexpr const char* refuses(shape x) {
    const shape y = output_shape(x);
    return y.height > 0 && y.width > 0 ? nullptr : "conv_transpose2d: the padding leaves nothing of the output";
  }

  static constexpr shape output_shape(shape x) { return {O.out_channels, enlarged(x.height), enlarged(x.width)}; }

  static constexpr auto parameters(shape x) {
    // An output pixel sums over ⌈R/stride⌉² taps of each channel.
    const int taps = (O.kernel + O.stride - 1) / O.stride;
    const parameter weight{
        "weight", {x.channels, O.out_channels, O.kernel, O.kernel}, init::he_normal, x.channels * taps * taps};
    if constexpr (O.bias) {
      return std::array{weight, parameter{"bias", {O.out_channels}}};
    } else {
      return std::array{weight};
    }
  }

  static constexpr std::int64_t macs(shape x) { return x.size() * O.out_channels * O.kernel * O.kernel; }

  template <backend B>
  static constexpr workspace needs(shape x) {
    return conv_transpose2d_workspace(std::type_identity<B>{}, geometry, x, output_shape(x));
  }

  template <class B>
  static void pack(B& on, const packing<typename B::scalar>& p) requires requires {
    conv_transpose2d_pack(on, geometry, p);
  }
  { conv_transpose2d_pack(on, geometry, p); }
  template <has_conv_transpose2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    conv_transpose2d_forward(on, geometry, f);
  }
  template <has_conv_transpose2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    conv_transpose2d_backward(on, geometry, b);
  }

 private:
  static constexpr int enlarged(int extent) { return (extent - 1) * O.stride + O.kernel - 2 * O.padding; }
};

/// Doubles height and width.
template <int Channels>
using up_conv2x2 = conv_transpose2d<conv_transpose2d_options{.out_channels = Channels}>;

}  // namespace segx
