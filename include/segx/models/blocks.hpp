#pragma once

#include <utility>

#include <segx/core/combine.hpp>
#include <segx/layers/add.hpp>
#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/channel_scale.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/conv_transpose2d.hpp>
#include <segx/layers/depthwise_conv2d.hpp>
#include <segx/layers/global_avg_pool2d.hpp>
#include <segx/layers/relu.hpp>

namespace segx {

/// A convolution without bias, batch normalisation, and what follows (an activation, or nothing). Deployed, it is one
/// convolution. Its weights are "0.weight", "1.weight" and so on, as in torchvision.
template <layer Convolution, batch_norm2d_options Norm, part... Act>
using conv_norm = chain<named<"0", Convolution>, named<"1", batch_norm2d<Norm>>, Act...>;

template <int Channels, int Kernel, int Stride = 1>
using plain_conv = conv2d<conv2d_options{.out_channels = Channels, .kernel = Kernel, .stride = Stride, .bias = false}>;

/// … with ReLU, as decoders use it.   [C,H,W] → [Channels,H,W]
template <int Channels, int Kernel>
using conv_norm_relu = conv_norm<plain_conv<Channels, Kernel>, batch_norm2d_options{}, relu>;

/// Squeeze-and-excitation as EfficientNet and MobileNetV3 write it, with weights "fc1" and "fc2":
/// y = x · Scale(W₂ Act(W₁ mean(x) + b₁) + b₂).
template <int Channels, int Squeezed, part Act, part Scale>
using squeeze_block = skip<channel_scale, global_avg_pool2d, named<"fc1", conv1x1<Squeezed>>, Act,
                           named<"fc2", conv1x1<Channels>>, Scale>;

/// Parts named by their place: "0", "1", … from `First` on.
template <int First, class... Parts>
struct numbered {
  static constexpr tensor wire(auto& g, tensor x) {
    return wire_in_turn(g, x, std::make_integer_sequence<int, sizeof...(Parts)>{});
  }

 private:
  template <int... I>
  static constexpr tensor wire_in_turn(auto& g, tensor x, std::integer_sequence<int, I...>) {
    ((x = g(named<sentence{First + I}, Parts>{}, x)), ...);
    return x;
  }
};

/// `channels` times `factor`, as the nearest multiple of 8, but not below nine tenths of it: how MobileNets and
/// EfficientNets round their widths.
constexpr int rounded_channels(double channels, int least = 8) {
  const int nearest = static_cast<int>(channels + 4) / 8 * 8;
  const int rounded = nearest < least ? least : nearest;
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

}  // namespace segx
