#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/network.hpp>
#include <segx/runtime/operation.hpp>

namespace segx {

/// A planned graph, ready to be run on a backend, whatever the network: the constants of `network::at<H,W>::plan`, or
/// those that the same functions gave at run time. Backend runs as itself.
template <class Backend>
struct program {
  std::span<const node<operation<Backend>>> nodes;
  purpose why = purpose::inference;
  activation head = activation::none;
  std::int64_t weights = 0;     // values in the network's flat array: learnables and, behind them, statistics
  std::int64_t statistics = 0;  // … of which these are statistics

  // The plan of memory, as in memory_plan.
  std::span<const std::int64_t> value, gradient, packed_weights, kept;
  std::span<const bool> joined, streamed;
  std::span<const std::array<bool, 2>> adds;
  std::int64_t image = 0, scratch = 0, packed = 0;

  std::size_t learnables() const { return static_cast<std::size_t>(weights - statistics); }
  shape input() const { return nodes.front().output; }
  shape output() const { return nodes.back().output; }
};

template <class Backend, int Capacity>
constexpr program<Backend> make_program(const lowered_graph<Capacity, operation<Backend>>& lowered,
                                        const memory_plan<Capacity>& memory, purpose why) {
  const auto size = static_cast<std::size_t>(lowered.body.size);
  return {.nodes = std::span{lowered.body.nodes}.first(size),
          .why = why,
          .head = lowered.head,
          .weights = lowered.body.weights + lowered.body.statistics,
          .statistics = lowered.body.statistics,
          .value = memory.value,
          .gradient = memory.gradient,
          .packed_weights = memory.packed_weights,
          .kept = memory.kept,
          .joined = memory.joined,
          .streamed = memory.streamed,
          .adds = memory.adds,
          .image = memory.image,
          .scratch = memory.scratch,
          .packed = memory.packed};
}

namespace detail {

/// What is wrong, where, and in which image.
inline std::string sentence_of(const defect& found, shape image) {
  return joined({found.why, " (at ", found.where.view(), ", which gets ", text_of(found.inputs[0]),
                 found.inputs[1].channels > 0 ? joined({" and ", text_of(found.inputs[1])}) : "", ", in an image of ",
                 image.height, "x", image.width, ")"});
}

/// The first layer that a backend cannot run. Which kernels there are does not depend on sizes.
template <class Backend, int Capacity>
constexpr defect missing_kernel(const graph<Capacity, operation<Backend>>& g, purpose why) {
  for (int i = 1; i < g.size; ++i) {
    const auto refused = [&](const char* because) {
      return defect{because, g.nodes[i].name, {g.nodes[g.nodes[i].inputs[0]].output}};
    };
    if (!g.nodes[i].op.has_forward) { return refused("this layer has no kernel on this backend"); }
    if (why == purpose::training && !g.nodes[i].op.has_backward) {
      return refused("this layer has no backward pass on this backend and cannot be trained");
    }
  }
  return {};
}

/// The defect, if it is one of channels: no other size of images mends it.
constexpr defect at_every_size(const defect& found) {
  const auto& [a, b] = found.inputs;
  return b.channels > 0 && a.channels != b.channels && same_plane(a, b) ? found : defect{};
}

/// The composed network, to be resized. It stays in the program, so it names no function that is not run.
template <class Network, class Backend, purpose Why>
inline constexpr auto any_size_on = [] {
  auto g = Network::template composed<operation<Backend>>();
  for (auto& n : g.nodes) { n.op = trimmed(n.op, Why); }
  return g;
}();

}  // namespace detail

/// Throws `error` if a network does not take images of this size, with sizes near by that it takes.
template <class Network>
void expect_size(const Network& network, int height, int width) {
  const defect found = network.defect_at(height, width);
  if (!found) { return; }
  std::string wrong = detail::sentence_of(found, {network.channels, height, width});
  for (int multiple = 2; multiple <= 64; multiple *= 2) {
    const auto rounded = [=](int extent, int up) { return (extent + up * (multiple - 1)) / multiple * multiple; };
    const auto is_taken = [&](int up) { return !network.defect_at(rounded(height, up), rounded(width, up)); };
    const auto text = [&](int up) { return joined({rounded(height, up), "x", rounded(width, up)}); };
    const bool is_smallest = height < multiple || width < multiple;
    if (is_taken(1) && (is_smallest || is_taken(0))) {
      fail({wrong, "; it takes ", is_smallest ? "" : joined({text(0), " and "}), text(1)});
    }
  }
  fail(wrong);
}

/// The program of a network at one size, known when it compiles: `static_plan<lung_net::at<256, 256>, cpu, …>`.
template <class At, class Backend, purpose Why>
class static_plan {
  using plan = typename At::template plan<Backend, Why>;
  using runs_as = segx::runs_as<Backend>;
  static constexpr defect missing = detail::missing_kernel<runs_as>(plan::lowered.body, Why);
  static constexpr fits_together<missing> checked{};

 public:
  static program<runs_as> get() { return make_program<runs_as>(plan::lowered, plan::memory, Why); }
};

/// A program that is planned when it runs, every mistake an `error` then. Backend runs as itself.
template <class Network, class Backend, purpose Why>
class unchecked_plan {
 public:
  static constexpr int capacity = count_nodes<typename Network::body>();
  using composed_graph = graph<capacity, operation<Backend>>;

  /// Throws `error` if the network does not take such images, or if the backend lacks a kernel.
  explicit unchecked_plan(const composed_graph& composed) {
    const shape image = composed.nodes[0].output;
    require_none(composed.first_defect, image);
    lowered_ = lower(composed, Why);
    require_none(detail::missing_kernel<Backend>(lowered_.body, Why), image);
    memory_ = plan_memory(lowered_.body, Backend::memory, Why);
  }

  program<Backend> get() const { return make_program<Backend>(lowered_, memory_, Why); }

 private:
  static void require_none(const defect& found, shape image) {
    if (found) { fail(detail::sentence_of(found, image)); }
  }

  lowered_graph<capacity, operation<Backend>> lowered_;
  memory_plan<capacity> memory_;
};

/// The program of a network at a size that is only known when it runs. Mistakes that no size mends do not compile.
template <class Network, class Backend, purpose Why>
class dynamic_plan : public unchecked_plan<Network, runs_as<Backend>, Why> {
  using runs_as = segx::runs_as<Backend>;

 public:
  dynamic_plan(const Network&, int height, int width)
      : unchecked_plan<Network, runs_as, Why>{
            any_size.resized({Network::channels, height, width}, choice_of<Backend>)} {}

 private:
  static constexpr const auto& any_size = detail::any_size_on<Network, runs_as, Why>;
  static constexpr defect unequal = detail::at_every_size(any_size.first_defect);
  static constexpr fits_together<unequal> fits{};
  static constexpr defect missing = detail::missing_kernel<runs_as>(lower(any_size, Why).body, Why);
  static constexpr fits_together<missing> checked{};
};

}  // namespace segx
