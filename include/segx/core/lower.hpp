#pragma once

#include <algorithm>
#include <array>

#include <segx/core/graph.hpp>

namespace segx {

/// What a network is lowered for. Deployed, layers that only matter in training are gone; for sampling, as Monte-Carlo
/// dropout does, the network is deployed all the same, but what draws at random stays.
enum class purpose { inference, training, sampling };

/// What runs a layer, without the backward pass where none is run: nothing then refers to its code, which is not
/// linked.
template <class Op>
constexpr Op trimmed(const Op& op, purpose why) {
  return why == purpose::training ? op : op.without_backward();
}

/// The graph that is executed, made from the graph that was composed:
///
///  - the activation at the very end becomes `head`: the executed graph ends in logits, which is what losses take;
///  - for inference, layers that only matter in training are dropped;
///  - unless it is to be trained, batch normalisations move into the weights of the convolution that makes their input
///    (`fold_norms` in runtime/ computes these weights);
///  - for inference, an addition moves into the layer that makes the last of what is added, where it can, as its second
///    input, in front of its activation or behind it (not where dropout stays: it is drawn by the number of a node,
///    alike on all backends);
///  - activations and dropout move into the epilogue of the layer that makes their input, where it takes them.
///
/// Ids are given anew; names and places of the weights stay.
template <int Capacity, class Op>
struct lowered_graph {
  graph<Capacity, Op> body;
  activation head = activation::none;
};

/// Lets `maker` compute what the normalisation behind it would have made: its bias is then found where the
/// normalisation's is.
template <class Op>
constexpr void fold(node<Op>& maker, const node<Op>& norm) {
  maker.norm = {.places = norm.places, .bias = maker.parameter_count > 1 ? maker.places[1] : -1};
  for (const attribute& a : norm.attributes) {
    if (a.name == "epsilon") { maker.norm.epsilon = a.value; }
  }
  maker.parameters[1] = norm.parameters[1];
  maker.places[1] = norm.places[1];
  maker.parameter_count = 2;
}

template <int Capacity, class Op>
constexpr lowered_graph<Capacity, Op> lower(const graph<Capacity, Op>& composed, purpose why) {
  lowered_graph<Capacity, Op> result;
  graph<Capacity, Op>& g = result.body;
  g.weights = composed.weights;
  g.statistics = composed.statistics;
  g.first_defect = composed.first_defect;

  std::array<int, Capacity> readers{};
  for (int i = 0; i < composed.size; ++i) {
    for (int k = 0; k < composed.nodes[i].input_count; ++k) { ++readers[composed.nodes[i].inputs[k]]; }
  }

  std::array<int, Capacity> id{};           // where the value of composed node i is now
  std::array<int, Capacity> readers_now{};  // of tensor i of the new graph, by all that it stands for
  for (int i = 0; i < composed.size; ++i) {
    node<Op> n = composed.nodes[i];
    n.fit = nullptr;  // sizes are settled: its code need not be linked
    n.op = trimmed(n.op, why);
    for (int k = 0; k < n.input_count; ++k) { n.inputs[k] = id[n.inputs[k]]; }

    const bool is_head = i == composed.size - 1 && i > 1 && n.head != activation::none;
    const bool gone = n.facts.training_only && why == purpose::inference;
    if (is_head || gone) {
      if (is_head) { result.head = n.head; }
      id[i] = n.inputs[0];
      readers_now[id[i]] += readers[i] - 1;
      continue;
    }
    node<Op>& maker = g.nodes[n.inputs[0]];
    if (n.input_count == 1 && readers_now[n.inputs[0]] == 1) {
      const bool is_fused = n.pointwise && maker.facts.accepts_epilogue && maker.then.accepts(n.then) &&
                            (why != purpose::training || slope_follows_from_result(n.then.act));
      const bool is_folded = n.facts.normalises && why != purpose::training && maker.facts.channel_axis >= 0 &&
                             maker.then.empty() && !maker.norm && !maker.has_addend();
      if (is_fused) { maker.then = maker.then.then(n.then); }
      if (is_folded) { fold(maker, n); }
      if (is_fused || is_folded) {
        id[i] = n.inputs[0];
        readers_now[id[i]] = readers[i];
        continue;
      }
    }
    if (n.facts.adds_inputs && why == purpose::inference) {
      const int last = std::max(n.inputs[0], n.inputs[1]);
      const int before = std::min(n.inputs[0], n.inputs[1]);
      node<Op>& adder = g.nodes[last];
      // An epilogue has one activation: the sum's own is worth more, as it would else be a pass over memory.
      const bool acts_behind =
          i + 1 < composed.size && composed.nodes[i + 1].pointwise && composed.nodes[i + 1].reads(i);
      const bool is_free = adder.then.empty() || (adder.then.dropout == 0 && !acts_behind);
      if (adder.needs.takes_addend && adder.input_count == 1 && is_free && readers_now[last] == 1 && last != before) {
        adder.inputs[1] = before;
        adder.input_count = 2;
        adder.then.precedes_sum = !adder.then.empty();
        id[i] = last;
        readers_now[last] = readers[i];
        continue;
      }
    }
    id[i] = g.size;
    readers_now[g.size] = readers[i];
    g.nodes[g.size++] = n;
  }
  return result;
}

}  // namespace segx
