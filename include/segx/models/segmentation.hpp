#pragma once

#include <array>
#include <cstddef>

#include <segx/core/network.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/models/encoder.hpp>

namespace segx {

/// What makes a feature map of the image's size from an encoder's taps: an empty struct with
///
///   skips               how many taps it joins on its way up, beside the deepest one
///   wire<Encoder>(g, t) from the encoder's taps t to [D,H,W]
template <class D, class Encoder>
concept decoder_for = std::is_empty_v<D> &&
    requires(graph<1, no_op>& g, const std::array<tensor, Encoder::channels.size()>& taps) {
  { D::skips } -> std::convertible_to<int>;
  { D::template wire<Encoder>(g, taps) } -> std::same_as<tensor>;
};

namespace detail {

/// Whether they go together; if not, a diagnostic.
template <class Decoder, class Encoder>
inline constexpr bool fits = [] {
  if constexpr (is_encoder<Encoder>) {
    constexpr bool is_decoder = decoder_for<Decoder, Encoder>;
    static_assert(is_decoder, "segx: a decoder is an empty struct with skips and wire, such as unet_decoder<64, 32>");
    if constexpr (is_decoder) {
      constexpr bool has_taps = Decoder::skips < static_cast<int>(Encoder::channels.size());
      static_assert(has_taps, "segx: this decoder joins more feature maps than the encoder has");
      return has_taps;
    }
  }
  return false;
}();

}  // namespace detail

/// An encoder, a decoder that fits it, a 1×1 convolution to the classes, and the head: `sigmoid` for one class or
/// several that may overlap, `softmax` for classes of which each pixel has one.
/// Weights are "encoder.…", "decoder.…" and "head.…".   [C,H,W] → [Classes,H,W]
template <class Encoder, class Decoder, int Classes = 1, layer Head = sigmoid>
struct segmentation {
  static constexpr tensor wire(auto& g, tensor x) {
    if constexpr (detail::fits<Decoder, Encoder>) {
      const tensor image = x;
      sentence outer = g.enter("encoder", false);
      const auto taps = Encoder::taps(g, x);
      g.leave(outer);
      outer = g.enter("decoder", false);
      x = Decoder::template wire<Encoder>(g, taps);
      g.leave(outer);
      g.expect_same_plane(
          image, x,
          "segmentation: the decoder does not come back to the size of the image; give it a floor for each tap");
      x = g(chain<named<"head", conv1x1<Classes>>, Head>{}, x);
    }
    return x;
  }
};

}  // namespace segx
