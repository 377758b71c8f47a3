#pragma once

#include <string>
#include <type_traits>

#include <segx/core/error.hpp>
#include <segx/core/graph.hpp>
#include <segx/kernels/conv2d.hpp>
#include <segx/runtime/operation.hpp>

namespace segx {

/// What a network says of each pixel: which one of the classes it is (`activation::softmax`), or of each class whether
/// it is there (`activation::sigmoid`).
struct head_choice {
  int classes = 1;
  activation act = activation::sigmoid;

  friend bool operator==(const head_choice&, const head_choice&) = default;
};

namespace detail {

inline workspace workspace_of_head(std::type_identity<no_op>, shape, shape) { return {}; }
template <class Backend>
workspace workspace_of_head(std::type_identity<operation<Backend>>, shape x, shape y) {
  return conv2d_workspace(std::type_identity<Backend>{}, conv2d_geometry{.kernel = 1, .padding = 0}, x, y,
                          choice_of<Backend>);
}

/// Throws `error` unless the graph ends in a 1×1 convolution with a bias, and a sigmoid or softmax.
template <int Capacity, class Op>
void expect_head(const graph<Capacity, Op>& g) {
  const node<Op>& end = g.nodes[g.size - 1];
  const node<Op>& conv = g.nodes[end.inputs[0]];
  const bool is_head = end.head == activation::sigmoid || end.head == activation::softmax;
  if (is_head && conv.layer == "conv2d" && conv.attributes[0].value == 1 && conv.parameter_count == 2) { return; }
  fail(
      {"the number of classes can be chosen for networks that end in a 1x1 convolution and a sigmoid or softmax, not "
       "for one that ends in ",
       end.layer});
}

}  // namespace detail

/// Changes the end of a composed network as if its type had said conv1x1<classes> and then sigmoid or softmax: a number
/// of classes that is only known when the program runs, in the same graph, with the fingerprint of that type. Throws
/// `error` where the network has no such end, or the head no meaning.
template <int Capacity, class Op>
void set_head(graph<Capacity, Op>& g, head_choice wanted) {
  detail::expect_head(g);
  const bool exclusive = wanted.act == activation::softmax;
  if (wanted.classes < (exclusive ? 2 : 1)) {
    fail({"a network has one class at least, and two if they exclude each other, not ", wanted.classes});
  }
  node<Op>& end = g.nodes[g.size - 1];
  node<Op>& conv = g.nodes[end.inputs[0]];
  const std::int64_t before = conv.output.channels;

  conv.output.channels = wanted.classes;
  conv.macs = conv.macs / before * wanted.classes;
  conv.needs = detail::workspace_of_head(std::type_identity<Op>{}, g.nodes[conv.inputs[0]].output, conv.output);
  std::int64_t more = 0;
  for (int p = 0; p < conv.parameter_count; ++p) {
    conv.places[p] += more;
    more -= conv.parameters[p].size();
    conv.parameters[p].extents[0] = wanted.classes;
    more += conv.parameters[p].size();
  }
  g.weights += more;
  for (int i = 0; i < g.size; ++i) {  // statistics lie behind all that is learned
    for (int p = 0; p < g.nodes[i].parameter_count; ++p) {
      if (g.nodes[i].parameters[p].is_statistic) { g.nodes[i].places[p] += more; }
    }
  }

  // The end is no layer any more when the network runs, only its name.
  end.layer = exclusive ? "softmax" : "sigmoid";
  end.output = conv.output;
  end.head = wanted.act;
}

}  // namespace segx
