#pragma once

#include <array>
#include <concepts>
#include <type_traits>

#include <segx/core/combine.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/global_avg_pool2d.hpp>

namespace segx {

/// A network that classifies images, as a source of feature maps: an empty struct with
///
///   channels    of its taps: the last feature maps at strides 2, 4, 8, …
///   taps(g, x)  wires it up to the deepest of them, and gives all
///   head<K>     what classifies, behind the deepest tap: [channels,H,W] → [K,1,1]
///
/// Weights have the names of torchvision's models, so that published ones can be imported.
template <class E>
concept encoder = std::is_empty_v<E> && requires(graph<1, no_op>& g, tensor x) {
  { E::channels[0] } -> std::convertible_to<int>;
  { E::taps(g, x) } -> std::same_as<std::array<tensor, E::channels.size()>>;
};

/// Whether it is one; if not, a diagnostic, as GCC explains a failed concept at length.
template <class E>
inline constexpr bool is_encoder = [] {
  constexpr bool is = encoder<E>;
  static_assert(is, "segx: an encoder is an empty struct with channels and taps, such as resnet<18>");
  return is;
}();

/// An encoder with its classifier, to check it whole and to import published weights.   [C,H,W] → logits [Classes,1,1]
template <class Encoder, int Classes>
struct classifier {
  static constexpr tensor wire(auto& g, tensor x) {
    if constexpr (is_encoder<Encoder>) {
      x = g(typename Encoder::template head<Classes>{}, Encoder::taps(g, x).back());
    }
    return x;
  }
};

}  // namespace segx
