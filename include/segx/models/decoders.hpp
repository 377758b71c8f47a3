#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include <segx/layers/attention_gate.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/upsample2d.hpp>
#include <segx/models/blocks.hpp>

namespace segx {

/// Two convolutions with batch normalisation.   [C,H,W] → [Channels,H,W]
template <int Channels>
using decoder_convs = chain<named<"conv1", conv_norm_relu<Channels, 3>>, named<"conv2", conv_norm_relu<Channels, 3>>>;

/// U-Net's decoder, deepest floor first: enlarge to twice the size, join the tap of that size, two convolutions. Floors
/// above the encoder's first tap have nothing to join.   taps → [last of Channels,H,W]
/// Source: Ronneberger, Fischer & Brox, arXiv:1505.04597; with enlargement in place of transposed convolutions, as in
/// segmentation_models.
template <int... Channels>
struct unet_decoder {
  static constexpr int skips = sizeof...(Channels) - 1;

  template <class Encoder>
  static constexpr tensor wire(auto& g, const auto& taps) {
    tensor x = taps.back();
    std::size_t next = taps.size() - 1;
    int floor = 0;
    ((x = wire_floor<Channels>(g, taps, next, floor++, x)), ...);
    return x;
  }

 private:
  template <int Width>
  static constexpr tensor wire_floor(auto& g, const auto& taps, std::size_t& next, int floor, tensor x) {
    const sentence outer = g.enter(sentence{floor}, false);
    x = g(upsample_nearest<2>{}, x);
    if (next > 0) { x = g(concat{}, taps[--next], x); }
    x = g(decoder_convs<Width>{}, x);
    g.leave(outer);
    return x;
  }
};

/// LinkNet's decoder: at each floor a 1×1 convolution to a quarter of the channels, a transposed one to twice the size,
/// a 1×1 one to the channels of the tap of that size, which is added; at the end to `Channels` at the image's size.
/// Source: Chaurasia & Culurciello, "LinkNet", VCIP 2017, arXiv:1707.03718.
template <int Channels>
struct linknet_decoder {
  static constexpr int skips = 1;

  template <class Encoder>
  static constexpr tensor wire(auto& g, const auto& taps) {
    return wire_floors<Encoder>(g, taps, std::make_index_sequence<Encoder::channels.size()>{});
  }

 private:
  template <int In, int Out>
  using floor_of = chain<named<"reduce", conv_norm_relu<In / 4, 1>>,
                         named<"up", conv_norm<conv_transpose2d<conv_transpose2d_options{
                                                   .out_channels = In / 4, .kernel = 4, .padding = 1, .bias = false}>,
                                               batch_norm2d_options{}, relu>>,
                         named<"expand", conv_norm_relu<Out, 1>>>;

  template <class Encoder, std::size_t... I>
  static constexpr tensor wire_floors(auto& g, const auto& taps, std::index_sequence<I...>) {
    tensor x = taps.back();
    ((x = wire_floor<Encoder, I>(g, taps, x)), ...);
    return x;
  }

  template <class Encoder, std::size_t Floor>
  static constexpr tensor wire_floor(auto& g, const auto& taps, tensor x) {
    constexpr std::size_t from = Encoder::channels.size() - 1 - Floor;
    constexpr int in = Encoder::channels[from];
    if constexpr (from == 0) {
      return g(named<sentence{static_cast<int>(Floor)}, floor_of<in, Channels>>{}, x);
    } else {
      x = g(named<sentence{static_cast<int>(Floor)}, floor_of<in, Encoder::channels[from - 1]>>{}, x);
      return g(add{}, taps[from - 1], x);
    }
  }
};

/// The decoder of the Attention U-Net: as `unet_decoder`, but what is joined is weighed by a gate first.
/// Source: Oktay et al., arXiv:1804.03999.
template <int... Channels>
struct attention_unet_decoder {
  static constexpr int skips = sizeof...(Channels) - 1;

  template <class Encoder>
  static constexpr tensor wire(auto& g, const auto& taps) {
    tensor x = taps.back();
    std::size_t next = taps.size() - 1;
    int floor = 0;
    ((x = wire_floor<Channels>(g, taps, next, floor++, x)), ...);
    return x;
  }

 private:
  template <int Width>
  static constexpr tensor wire_floor(auto& g, const auto& taps, std::size_t& next, int floor, tensor x) {
    const sentence outer = g.enter(sentence{floor}, false);
    x = g(upsample_nearest<2>{}, x);
    if (next > 0) {
      const tensor skipped = taps[--next];
      x = g(concat{}, attention_gate<(Width > 1 ? Width / 2 : 1)>::wire(g, skipped, x), x);
    }
    x = g(decoder_convs<Width>{}, x);
    g.leave(outer);
    return x;
  }
};

/// U-Net++: between the encoder's taps and the decoder lie more nodes, each of which joins its neighbours at its size
/// and the enlarged one below; `Channels`, deepest floor first, as in `unet_decoder`.
///
///   x[i,j] = convs(x[i,0], …, x[i,j−1], 2× x[i+1,j−1]),   x[i,0] the tap at stride 2^(i+1)
///
/// Source: Zhou et al., "UNet++: a nested U-Net architecture", DLMIA 2018, arXiv:1807.10165.
template <int... Channels>
struct unet_plus_plus_decoder {
  static constexpr int skips = sizeof...(Channels) - 1;

  template <class Encoder>
  static constexpr tensor wire(auto& g, const auto& taps) {
    constexpr int floors = skips + 1;  // of nodes x[i,…]; the first floor is at the image's size, without a tap
    std::array<std::array<tensor, floors + 1>, floors + 1> x{};
    const int deepest = static_cast<int>(taps.size()) - 1;
    for (int i = 0; i <= skips; ++i) { x[i + 1][0] = taps[deepest - skips + i]; }
    wire_columns(g, x, std::make_integer_sequence<int, skips>{});
    const sentence outer = g.enter("last", false);
    const tensor y = g(decoder_convs<width(0)>{}, g(upsample_nearest<2>{}, x[1][skips]));
    g.leave(outer);
    return y;
  }

 private:
  static constexpr std::array<int, sizeof...(Channels)> widths{Channels...};
  /// Of floor i, counted from the image's size down.
  static constexpr int width(int i) { return widths[skips - i]; }

  template <int... J>
  static constexpr void wire_columns(auto& g, auto& x, std::integer_sequence<int, J...>) {
    (wire_column<J + 1>(g, x, std::make_integer_sequence<int, skips - J>{}), ...);
  }
  template <int J, int... I>
  static constexpr void wire_column(auto& g, auto& x, std::integer_sequence<int, I...>) {
    ((x[I + 1][J] = wire_node<I + 1, J>(g, x)), ...);
  }
  template <int I, int J>
  static constexpr tensor wire_node(auto& g, auto& x) {
    sentence name{I};
    name.append("_");
    name.append(J);
    const sentence outer = g.enter(name, false);
    tensor joined = x[I][0];
    for (int k = 1; k < J; ++k) { joined = g(concat{}, joined, x[I][k]); }
    joined = g(concat{}, joined, g(upsample_nearest<2>{}, x[I + 1][J - 1]));
    const tensor y = g(decoder_convs<width(I)>{}, joined);
    g.leave(outer);
    return y;
  }
};

/// Feature pyramid: taps from stride 4 on are brought to `Pyramid` channels, and from the deepest up each is added to
/// the one before; each level is then brought to stride 4 and `Channels` channels, all are added, and enlarged.
/// Sources: Lin et al., arXiv:1612.03144; Kirillov et al., "Panoptic feature pyramid networks", arXiv:1901.02446.
template <int Pyramid, int Channels>
struct fpn_decoder {
  static constexpr int skips = 3;

  template <class Encoder>
  static constexpr tensor wire(auto& g, const auto& taps) {
    const std::size_t deepest = taps.size() - 1;
    const tensor p32 = lateral(g, taps[deepest], 3);
    const tensor l16 = lateral(g, taps[deepest - 1], 2);
    const tensor p16 = g(add{}, l16, g(upsample_nearest<2>{}, p32));
    const tensor l8 = lateral(g, taps[deepest - 2], 1);
    const tensor p8 = g(add{}, l8, g(upsample_nearest<2>{}, p16));
    const tensor l4 = lateral(g, taps[deepest - 3], 0);
    const tensor p4 = g(add{}, l4, g(upsample_nearest<2>{}, p8));
    tensor x = g(named<"level.0", conv_norm_relu<Channels, 3>>{}, p4);
    x = g(add{}, x, enlarged(g, p8, 1));
    x = g(add{}, x, enlarged(g, p16, 2));
    x = g(add{}, x, enlarged(g, p32, 3));
    return g(upsample_bilinear<4>{}, x);
  }

 private:
  static constexpr tensor lateral(auto& g, tensor x, int level) {
    const sentence outer = g.enter(sentence{"lateral", level}, true);
    const tensor y = g(conv1x1<Pyramid>{}, x);
    g.leave(outer);
    return y;
  }

  /// `level` times a convolution and an enlargement to twice the size.
  static constexpr tensor enlarged(auto& g, tensor x, int level) {
    for (int step = 0; step < level; ++step) {
      sentence name{"level", level};
      name.append(".");
      name.append(step);
      const sentence outer = g.enter(name, false);
      x = g(upsample_bilinear<2>{}, g(conv_norm_relu<Channels, 3>{}, x));
      g.leave(outer);
    }
    return x;
  }
};

}  // namespace segx
