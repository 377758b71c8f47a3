#pragma once

#include <array>
#include <tuple>
#include <utility>

#include <segx/core/graph.hpp>
#include <segx/runtime/operation.hpp>

namespace segx {

/// How several backends run one layer, as `operation` says it of one: one table serves them all where a backend is
/// chosen when the program runs, and `graph_on` takes what one needs. A table for each would take compilers as many
/// times as long.
template <class... Backends>
struct operations {
  template <class Backend>
  struct on {
    operation<Backend> op;
    workspace (*needs)(const node<operations>&, const std::array<shape, 2>& in, choices<Backend>);
  };

  const std::tuple<on<Backends>...>* of_layer = nullptr;

  template <class Layer>
  static constexpr operations of() {
    return {&table<Layer>};
  }
  template <class Layer>
  static constexpr workspace needs(auto...) {
    return {};
  }

 private:
  template <class Layer, class Backend>
  static workspace needs_on(const node<operations>& n, const std::array<shape, 2>& in, choices<Backend> choice) {
    const operation<Backend> op{.choice = choice};
    return n.input_count == 1 ? op.template needs<Layer>(in[0]) : op.template needs<Layer>(in[0], in[1]);
  }

  template <class Layer>
  static constexpr std::tuple<on<Backends>...> table{
      on<Backends>{operation<Backends>::template of<Layer>(), &needs_on<Layer, Backends>}...};
};

namespace detail {

/// The same network with what `op_and_needs(node, shapes of its inputs)` says of each layer but the image.
template <class Op, int Capacity, class Before>
graph<Capacity, Op> graph_with(const graph<Capacity, Before>& composed, const auto& op_and_needs) {
  graph<Capacity, Op> g;
  g.size = composed.size;
  g.weights = composed.weights;
  g.statistics = composed.statistics;
  g.first_defect = composed.first_defect;
  g.nodes[0] = composed.nodes[0].with(Op{}, {});
  for (int i = 1; i < composed.size; ++i) {
    const node<Before>& n = composed.nodes[i];
    const auto [op, needs] = op_and_needs(n, {composed.nodes[n.inputs[0]].output, composed.nodes[n.inputs[1]].output});
    g.nodes[i] = n.with(op, needs);
  }
  return g;
}

}  // namespace detail

/// A composed network as one of its backends runs it.
template <class Backend, int Capacity, class... Backends>
graph<Capacity, operation<Backend>> graph_on(const graph<Capacity, operations<Backends...>>& composed,
                                             choices<Backend> choice) {
  using all = operations<Backends...>;
  return detail::graph_with<operation<Backend>>(
      composed,
      [choice](const node<all>& n, const std::array<shape, 2>& in) -> std::pair<operation<Backend>, workspace> {
        const auto& here = std::get<typename all::template on<Backend>>(*n.op.of_layer);
        return {here.op, here.needs(n, in, choice)};
      });
}

/// … and without what backends need, for looking at.
template <int Capacity, class... Backends>
graph<Capacity> bare_graph(const graph<Capacity, operations<Backends...>>& composed) {
  return detail::graph_with<no_op>(
      composed, [](const auto&, const std::array<shape, 2>&) { return std::pair<no_op, workspace>{}; });
}

}  // namespace segx
