#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include <segx/core/diagnose.hpp>
#include <segx/core/epilogue.hpp>
#include <segx/core/parameter.hpp>
#include <segx/core/part.hpp>
#include <segx/core/shape.hpp>
#include <segx/core/text.hpp>

namespace segx {

/// Handle to a value of a network under construction.
struct tensor {
  int id = -1;
  shape extent;
};

/// A number that a layer was made with, for tables and the fingerprint: {"kernel", 3}.
struct attribute {
  std::string_view name;
  double value = 0;
};

/// How a layer's result can reach the one that reads it piece by piece, so that it is never stored whole.
enum class stream {
  none,
  pixels,  // a pixel follows from the same pixel of the input: what is wanted is computed when it is
  scaled   // it is the first input, each channel times a factor, the second
};

/// What a backend needs to run a layer besides its inputs, in floats; and what it can do without.
struct workspace {
  std::int64_t packed = 0;            // weights in the form that the forward kernel reads
  std::int64_t packed_backward = 0;   // … and the backward kernel
  std::int64_t scratch = 0;           // of each thread, during the forward pass
  std::int64_t scratch_backward = 0;  // … and the backward pass
  std::int64_t kept = 0;              // of each image, from the forward to the backward pass of a training
  stream gives = stream::none;        // to a reader that takes it
  std::int64_t scratch_streamed = 0;  // then, of each thread, beside the reader's
  stream takes = stream::none;
  bool takes_addend = false;  // forward, it can add a second input to its result, in front of or behind its epilogue
  bool gates = false;         // backward, it can take over the ReLU that made its input: see backward_pass::relu_scale
  bool slopes = false;        // backward, it takes the slope of its own epilogue along: see backward_pass::then
};

/// What a backend needs to know to run a layer; `no_op` when only shapes are wanted.
struct no_op {
  template <class Layer>
  static constexpr no_op of() {
    return {};
  }
  template <class Layer>
  static constexpr workspace needs(auto...) {
    return {};
  }
  constexpr no_op without_backward() const { return {}; }
};

/// A batch normalisation that moved into the weights of the layer that makes its input; see lower.hpp.
struct folded_norm {
  std::array<std::int64_t, 4> places{};  // of weight, bias, running mean and variance
  std::int64_t bias = -1;                // of the layer's own bias; −1: it has none
  double epsilon = 0;

  constexpr explicit operator bool() const { return epsilon > 0; }
};

template <class Op>
struct node {
  std::string_view layer{};
  sentence name{};  // where in the network: "encoder.0.conv1"
  shape output{};
  int input_count = 0;
  std::array<int, 2> inputs{};  // ids of the tensors it reads, the first `input_count` count
  std::array<attribute, 6> attributes{};
  std::array<parameter, 4> parameters{};
  int parameter_count = 0;               // arrays of weights
  std::array<std::int64_t, 4> places{};  // where each of them starts in the network's flat array
  std::int64_t macs = 0;                 // multiply-adds for one image
  layer_facts facts{};
  bool pointwise = false;              // it is nothing but the epilogue `then`
  epilogue then{};                     // applied to its result
  activation head = activation::none;  // what it is where it ends a network
  folded_norm norm{};
  workspace needs{};
  Op op{};
  /// Gives it inputs of other sizes: output, macs and needs follow. Says why the layer refuses them, or null.
  const char* (*fit)(node&, const std::array<shape, 2>& in) = nullptr;

  /// The same node, of which another backend says how it is run. Its size is settled: it does not `fit` any other.
  template <class Other>
  constexpr node<Other> with(const Other& other, const workspace& needed) const {
    return {.layer = layer,
            .name = name,
            .output = output,
            .input_count = input_count,
            .inputs = inputs,
            .attributes = attributes,
            .parameters = parameters,
            .parameter_count = parameter_count,
            .places = places,
            .macs = macs,
            .facts = facts,
            .pointwise = pointwise,
            .then = then,
            .head = head,
            .norm = norm,
            .needs = needed,
            .op = other};
  }

  /// A layer of one input, to whose result a second one is added; see lower.hpp.
  constexpr bool has_addend() const { return needs.takes_addend && input_count == 2; }
  constexpr bool reads(int tensor_id) const {
    return (input_count > 0 && inputs[0] == tensor_id) || (input_count > 1 && inputs[1] == tensor_id);
  }
};

/// `node::fit` of a layer. What it refuses is asked nothing more: kernels divide by heights and widths.
template <layer Part, class Op, std::size_t Inputs>
[[gnu::cold, gnu::noinline]] constexpr const char* fit_layer(node<Op>& n, const std::array<shape, 2>& in) {
  const auto fit = [&n](auto... x) -> const char* {
    n.output = Part::output_shape(x...);
    if constexpr (requires { Part::refuses(x...); }) {
      if (const char* why = Part::refuses(x...)) { return why; }
    }
    n.needs = n.op.template needs<Part>(x...);
    if constexpr (requires { Part::macs(x...); }) { n.macs = Part::macs(x...); }
    return nullptr;
  };
  if constexpr (Inputs == 1) {
    return fit(in[0]);
  } else {
    return fit(in[0], in[1]);
  }
}

/// Kernels count the pixels of a plane in 32 bits.
inline constexpr std::int64_t largest_plane = std::numeric_limits<std::int32_t>::max();

/// A network as a flat table in execution order: node i writes tensor i, node 0 is the image.
template <int Capacity, class Op = no_op>
struct graph {
  std::array<node<Op>, Capacity> nodes{};
  int size = 0;
  std::int64_t weights = 0;     // learnable values, which come first in the network's flat array
  std::int64_t statistics = 0;  // … and running statistics, behind them
  defect first_defect;          // on images of this size
  defect miswired;              // a mistake of the wiring, whatever the size

  constexpr tensor input(shape image) {
    if constexpr (Capacity > 0) { nodes[size] = {.layer = "image", .name = "image", .output = image}; }
    return {size++, image};
  }

  /// The result of a part applied to its inputs: `auto y = g(conv3x3<16>{}, x);`
  template <class Part, std::same_as<tensor>... Inputs>
    requires(part<Part> || sizeof...(Inputs) > 2)
  [[gnu::cold, gnu::noinline]] constexpr tensor operator()(Part, Inputs... in) {
    if constexpr (block<Part>) {
      return Part::wire(*this, in...);
    } else if constexpr (sizeof...(in) > 2) {
      static_assert(one_or_two<sizeof...(in)>);
      return std::array{in...}[0];
    } else {
      const tensor y{size, Part::output_shape(in.extent...)};
      if constexpr (Capacity > 0) {  // else nodes are only counted
        nodes[size].output = y.extent;
        describe<Part>(nodes[size], in...);
      }
      ++size;
      return y;
    }
  }

  /// Names what is wired until `leave`; `named` in combine.hpp calls it.
  constexpr sentence enter(const sentence& name, bool is_layer) {
    const sentence outer = scope_;
    if (!scope_.empty()) { scope_.append("."); }
    scope_.append(name.view());
    scope_is_layer_ = is_layer;
    return outer;
  }
  constexpr void leave(const sentence& outer) {
    scope_ = outer;
    scope_is_layer_ = false;
  }

  /// For blocks whose result is to have the height and width of their input.
  constexpr void expect_same_plane(tensor input, tensor result, const char* why_not) {
    same_plane_ = {.input = input.id, .result = result.id, .why_not = why_not};
  }

  /// The same network on images of another size. Channels, names, weights and wiring do not depend on it: the table
  /// that the compiler made serves all sizes, so that no network is wired again when a program runs.
  /// `choice` is what the layers' `op` is to go by, where it has one.
  [[gnu::cold]] constexpr graph resized(shape image, const auto&... choice) const {
    graph g = *this;
    g.nodes[0].output = image;
    g.first_defect = {};
    if (image.height < 1 || image.width < 1) { g.first_defect = {"an image has one pixel at least", "image", {image}}; }
    for (int i = 1; i < size && !g.first_defect; ++i) {
      node<Op>& n = g.nodes[i];
      ((n.op.choice = choice), ...);
      std::array<shape, 2> in{};
      for (int k = 0; k < n.input_count; ++k) { in[k] = g.nodes[n.inputs[k]].output; }
      const char* why = n.fit(n, in);
      if (why == nullptr && (in[0].plane() > largest_plane || n.output.plane() > largest_plane)) {
        why = "the planes of a layer may have 2147483647 pixels at most";
      }
      if (why != nullptr) { g.first_defect = {why, n.name, in}; }
    }
    g.judge_whole();
    return g;
  }

  constexpr const node<Op>& output() const { return nodes[size - 1]; }

  /// To be called when all is wired: the last layer is the result, and every other one is read by somebody.
  constexpr void close(tensor result) {
    if (result.id != size - 1) { misbuilt("a network must return the result of its last layer", size - 1); }
    std::array<bool, Capacity> is_read{};
    for (int i = 0; i < size; ++i) {
      for (int k = 0; k < nodes[i].input_count; ++k) { is_read[nodes[i].inputs[k]] = true; }
      for (int p = 0; p < nodes[i].parameter_count; ++p) {
        if (nodes[i].parameters[p].is_statistic) { nodes[i].places[p] += weights; }
      }
    }
    for (int i = 0; i < size - 1; ++i) {
      if (!is_read[i]) { misbuilt("nobody reads the result of this layer", i); }
    }
    judge_whole();
  }

 private:
  sentence scope_;
  bool scope_is_layer_ = false;
  struct {
    int input = 0, result = 0;  // ids; 0: none are to have the same height and width
    const char* why_not = nullptr;
  } same_plane_;
  // The names so far, as a table of hashes: comparing them all letter by letter takes compilers seconds.
  std::array<std::uint32_t, Capacity> name_hashes_{};
  std::array<std::uint16_t, 2 * Capacity + 1> named_{};  // ids; 0: a free slot

  constexpr defect defect_of(const char* why, int id) const {
    return {why, nodes[id].name, {nodes[nodes[id].inputs[0]].output}};
  }
  constexpr void misbuilt(const char* why, int id) {
    if (!miswired) { miswired = defect_of(why, id); }
  }

  /// What only the whole network shows.
  constexpr void judge_whole() {
    const auto [input, result, why_not] = same_plane_;
    if (!first_defect && result > 0 && !same_plane(nodes[input].output, nodes[result].output)) {
      first_defect = defect_of(why_not, result);
    }
    if (!first_defect) { first_defect = miswired; }
  }

  template <layer Part, std::same_as<tensor>... Inputs>
  constexpr void describe(node<Op>& n, Inputs... in) {
    n.layer = Part::name;
    n.input_count = sizeof...(in);
    n.inputs = {in.id...};
    n.op = Op::template of<Part>();
    if constexpr (requires { Part::facts; }) { n.facts = Part::facts; }
    if constexpr (requires { Part::as_epilogue; }) {
      n.pointwise = true;
      n.then = Part::as_epilogue;
      if (n.then.slope == 0) { n.head = n.then.act; }  // a head has no slope: leaky_relu and elu stay layers
    }
    if constexpr (requires { Part::as_head; }) { n.head = Part::as_head; }
    name_next(n);
    if constexpr (requires { Part::attributes; }) { set_attributes(n, Part::attributes); }
    if constexpr (requires { Part::parameters(in.extent...); }) {
      set_parameters(n, Part::parameters(in.extent...), Part::parameters(of_other_plane(in.extent)...));
    }
    n.fit = &fit_layer<Part, Op, sizeof...(in)>;
    if (first_defect) { return; }
    if (const char* why = n.fit(n, {in.extent...})) { first_defect = {why, n.name, {in.extent...}}; }
  }

  // What does not depend on the layer stands outside of `describe`, of which there is one for each layer.

  static constexpr shape of_other_plane(shape x) { return {x.channels, 2 * x.height, 3 * x.width}; }

  [[gnu::noinline]] constexpr void set_attributes(node<Op>& n, std::span<const attribute> attributes) {
    if (attributes.size() > n.attributes.size()) {
      misbuilt("a layer has six attributes at most", size);
      return;
    }
    int i = 0;
    for (const attribute& a : attributes) { n.attributes[i++] = a; }
  }

  [[gnu::noinline]] constexpr void set_parameters(node<Op>& n, std::span<const parameter> parameters,
                                                  std::span<const parameter> on_other_plane) {
    if (parameters.size() > n.parameters.size()) {
      misbuilt("a layer has four arrays of weights at most", size);
      return;
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const parameter& p = parameters[i];
      if (p.extents != on_other_plane[i].extents) {
        misbuilt("weights serve images of any size: their extents may follow from channels, not from height or width",
                 size);
      }
      std::int64_t& count = p.is_statistic ? statistics : weights;
      n.places[n.parameter_count] = count;
      n.parameters[n.parameter_count++] = p;
      count += p.size();
    }
  }

  /// By the scope, or the scope and the layer's kind; with a number behind it where that name is taken.
  [[gnu::noinline]] constexpr void name_next(node<Op>& n) {
    sentence name = scope_;
    if (!scope_is_layer_) {
      if (!name.empty()) { name.append("."); }
      name.append(n.layer);
    }
    const std::size_t length = name.view().size();
    std::uint32_t hash = hash_of(name);
    for (int copy = 2; slot_of(name, hash) != 0 && !name.is_full(); ++copy) {
      name.shorten(length);
      name.append("_");
      name.append(copy);
      hash = hash_of(name);
    }
    name_hashes_[size] = hash;
    slot_of(name, hash) = static_cast<std::uint16_t>(size);
    n.name = name;
    if (name.is_full()) { misbuilt("the name is too long: with those of the parts around it, 101 letters fit", size); }
  }
  /// The place in `named_` of the node of this name; a free one if there is none.
  constexpr std::uint16_t& slot_of(const sentence& name, std::uint32_t hash) {
    std::size_t slot = hash % named_.size();
    while (named_[slot] != 0 &&
           !(name_hashes_[named_[slot]] == hash && nodes[named_[slot]].name.view() == name.view())) {
      slot = (slot + 1) % named_.size();
    }
    return named_[slot];
  }
  static constexpr std::uint32_t hash_of(const sentence& name) {
    std::uint32_t hash = 2166136261U;  // FNV-1a
    for (int i = 0; i < name.length; ++i) { hash = (hash ^ static_cast<unsigned char>(name.text[i])) * 16777619U; }
    return hash;
  }
};

/// Number of nodes of `Body` behind an image.
template <part Body>
consteval int count_nodes() {
  graph<0> counter;
  counter(Body{}, counter.input({1, 1024, 1024}));
  return counter.size;
}

/// Wires `Body` behind an image of the given shape. For constants alone: what runs resizes them, since C++ leaves the
/// order of some layers to the compiler, which may choose another when a program runs.
template <part Body, class Op = no_op>
consteval auto trace(shape image) {
  graph<count_nodes<Body>(), Op> g;
  g.close(g(Body{}, g.input(image)));
  return g;
}

}  // namespace segx
