#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include <segx/core/shape.hpp>

namespace segx {

template <int Capacity, class Op>
struct graph;

struct no_op;
struct tensor;

/// A layer computes one tensor from `Inputs...`. It is an empty type: its options are template arguments, its weights
/// live in the model, its loops live in kernels/.
template <class L, class... Inputs>
concept layer_on = std::is_empty_v<L> && requires(Inputs... in) {
  { L::name } -> std::convertible_to<std::string_view>;
  { L::output_shape(in...) } -> std::same_as<shape>;
};

template <class L>
concept layer = layer_on<L, shape> || layer_on<L, shape, shape>;

/// A block wires layers and other blocks together; it computes nothing itself.
template <class B>
concept block = std::is_empty_v<B> && requires(graph<1, no_op>& g, tensor& x) {
  { B::wire(g, x) } -> std::same_as<tensor>;
};

/// What a network is made of.
template <class P>
concept part = layer<P> || block<P>;

/// True, or a diagnostic that names the offender; GCC does not look inside a fold over a concept.
template <class P>
inline constexpr bool is_part = [] {
  constexpr bool is = part<P>;  // compilers would explain a concept at length
  static_assert(is, "segx: a part is an empty struct, either a layer (name, output_shape) or a block (wire)");
  return true;
}();

/// True, or a diagnostic: parts that follow one another take one input each.
template <class P>
inline constexpr bool takes_one_input = [] {
  constexpr bool takes = !layer_on<P, shape, shape> || layer_on<P, shape> || block<P>;
  static_assert(takes,
                "segx: a layer of two inputs cannot follow another; join by skip<add, ...> or branches<add, ...>");
  return true;
}();

/// True, or a diagnostic: what joins branches comes first.
template <class Merge>
inline constexpr bool is_merge = [] {
  constexpr bool is = layer_on<Merge, shape, shape>;
  static_assert(is, "segx: skip and branches begin with a layer of two inputs: skip<add, ...>, branches<concat, ...>");
  return true;
}();

/// True, or a diagnostic: the inputs of a layer.
template <std::size_t Inputs>
inline constexpr bool one_or_two = [] {
  static_assert(Inputs == 1 || Inputs == 2, "segx: a layer has one input or two; join more of them in pairs");
  return true;
}();

/// What the passes over a graph must know about a layer. A layer says what differs as `static constexpr layer_facts
/// facts`.
struct layer_facts {
  bool accepts_epilogue = false;     // it can apply an activation and dropout to its result before storing it
  bool training_only = false;        // the identity once the network is deployed
  bool in_place = false;             // its result may overwrite its input, and its gradient the gradient that comes in
  bool adds_inputs = false;          // its result is the sum of its two inputs
  bool joins_channels = false;       // its result is its inputs, one behind the other along the channels
  bool backward_reads_input = true;  // what must be kept from the forward pass
  bool backward_reads_output = false;
  bool normalises = false;  // a batch normalisation: deployed, it is a factor and a summand for each channel
  int channel_axis = -1;  // of the extents of its weight, the one that counts its result's channels; −1: a factor for
                          // each channel cannot move into its weights
};

}  // namespace segx
