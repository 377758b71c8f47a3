#pragma once

#include <segx/core/graph.hpp>

namespace segx {

/// One part after the other.
template <class... Parts>
struct chain {
  static_assert((is_part<Parts> && ...) && (takes_one_input<Parts> && ...));

  static constexpr tensor wire(auto& g, tensor x) {
    if constexpr (((layer_on<Parts, shape> || block<Parts>)&&...)) {
      ((x = g(Parts{}, x)), ...);
    }  // else one error is enough
    return x;
  }
};

/// x ─┬─ Body... ─┬─ Merge    The skip connection of U-Net (`concat`), LinkNet and ResNet (`add`).
///    └───────────┘
template <class Merge, class... Body>
struct skip {
  static_assert(is_merge<Merge>);

  static constexpr tensor wire(auto& g, tensor x) {
    if constexpr (layer_on<Merge, shape, shape>) { return g(Merge{}, x, g(chain<Body...>{}, x)); }
    return x;
  }
};

/// x ─┬─ First ──┐
///    ├─ Others ─┴─ Merge …    Parallel branches joined left to right (Inception, ASPP).
template <class Merge, class First, class... Others>
struct branches {
  static_assert(is_merge<Merge>);

  static constexpr tensor wire(auto& g, tensor x) {
    tensor y = g(First{}, x);
    if constexpr (layer_on<Merge, shape, shape>) { ((y = g(Merge{}, y, g(Others{}, x))), ...); }
    return y;
  }
};

/// A part under a name of its own, in weight files, tables and messages: `named<"stem", conv3x3<16>>`,
/// `named<sentence{"encoder", 2}, …>` for "encoder.2". Names nest: "encoder.2.conv1".
template <sentence Name, part Part>
struct named {
  static constexpr tensor wire(auto& g, tensor x) {
    const sentence outer = g.enter(Name, layer<Part>);
    const tensor y = g(Part{}, x);
    g.leave(outer);
    return y;
  }
};

}  // namespace segx
