#pragma once

#include <segx/core/network.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/models/blocks.hpp>

namespace segx {

/// The block of the paper's second U-Net: Conv → BatchNorm → ReLU → Conv, added to a shortcut of Conv → BatchNorm, and
/// ReLU.   [C,H,W] → [Channels,H/Stride,W/Stride]
template <int Channels, int Stride = 1>
struct residual_block {
  using body = chain<named<"conv1", conv2d<conv2d_options{.out_channels = Channels, .stride = Stride}>>,
                     named<"norm", batch_norm2d<>>, relu, named<"conv2", conv3x3<Channels>>>;
  using shortcut =
      chain<named<"shortcut.conv", conv2d<conv2d_options{.out_channels = Channels, .kernel = 1, .stride = Stride}>>,
            named<"shortcut.norm", batch_norm2d<>>>;

  static constexpr tensor wire(auto& g, tensor x) {
    const tensor shorter = g(shortcut{}, x);
    return g(relu{}, g(add{}, shorter, g(body{}, x)));
  }
};

/// A floor of the U and all below it; the block that goes down to the next has a stride of 2 in place of pooling.
template <int Floor, int Channels, int... Deeper>
struct residual_floor {
  static constexpr tensor wire(auto& g, tensor x) {
    x = g(named<sentence{"encoder", Floor}, residual_block<Channels, Floor == 0 ? 1 : 2>>{}, x);  // [Channels,H,W]
    const tensor below = residual_floor<Floor + 1, Deeper...>::wire(g, x);
    using up = named<sentence{"decoder", Floor}, named<"up", up_conv2x2<Channels>>>;
    const tensor joined = g(concat{}, x, g(up{}, below));  // [2·Channels,H,W]
    return g(named<sentence{"decoder", Floor}, residual_block<Channels>>{}, joined);
  }
};

template <int Floor, int Bottleneck>
struct residual_floor<Floor, Bottleneck> : named<"bottleneck", residual_block<Bottleneck, 2>> {};

/// The paper's second U-Net: residual blocks, strided convolutions instead of pooling, no dropout; floors from `Base`
/// to 16·`Base` channels.   [C,H,W] → [1,H,W], H and W multiples of 16.
///
/// Source: Belozerov & Sudakov, Keldysh Institute preprint, 2022, U-Net №2; after Zhang, Liu & Wang, "Road extraction
/// by deep residual U-Net", arXiv:1711.10684.
template <int Base>
using residual_unet =
    chain<residual_floor<0, Base, 2 * Base, 4 * Base, 8 * Base, 16 * Base>, named<"head", conv1x1<1>>, sigmoid>;

struct resunet : network<input<3>, residual_unet<32>> {};

}  // namespace segx
