#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <segx/core/choice.hpp>
#include <segx/core/graph.hpp>
#include <segx/core/layout.hpp>
#include <segx/core/lower.hpp>
#include <segx/core/memory_plan.hpp>

namespace segx {

/// What weights, sessions and trainers are made for.
template <class N>
concept is_network = requires(const N& n) {
  n.channels;
  n.parameter_count;
  n.nodes();
};

/// What a network reads: images of so many channels, of any height and width that its layers take.
template <int Channels>
  requires(Channels > 0)
struct input {
  static constexpr int channels = Channels;
};

/// A hash (64-bit FNV-1a) of everything that gives a network's weights their meaning: layers, options, wiring, names
/// and extents of the learnables. Sizes of images and layers that only matter in training do not count.
template <int Capacity, class Op>
constexpr std::uint64_t fingerprint_of(const graph<Capacity, Op>& composed) {
  std::uint64_t hash = 14695981039346656037U;
  const auto mix = [&hash](std::string_view text) {
    for (const char c : text) { hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U; }
    hash = (hash ^ 0xffU) * 1099511628211U;
  };
  const auto mix_number = [&hash](double value) {
    const auto thousandths = static_cast<std::int64_t>(value * 1000);
    const bool is_exact = static_cast<double>(thousandths) == value * 1000;
    auto scaled = static_cast<std::uint64_t>(is_exact ? thousandths : static_cast<std::int64_t>(value * 1e12));
    for (int byte = 0; byte < 8; ++byte, scaled >>= 8) { hash = (hash ^ (scaled & 0xffU)) * 1099511628211U; }
  };
  std::array<int, Capacity> id{};  // without the layers that do not count
  int count = 0;
  for (int i = 0; i < composed.size; ++i) {
    const node<Op>& n = composed.nodes[i];
    if (n.facts.training_only) {
      id[i] = id[n.inputs[0]];
      continue;
    }
    id[i] = count++;
    mix(n.layer);
    for (int k = 0; k < n.input_count; ++k) { mix_number(id[n.inputs[k]]); }
    for (const attribute& a : n.attributes) {
      mix(a.name);
      mix_number(a.value);
    }
    if (n.parameter_count > 0) { mix(n.name.view()); }
    for (int p = 0; p < n.parameter_count; ++p) {
      mix(n.parameters[p].name);
      for (const int extent : n.parameters[p].extents) { mix_number(extent); }
    }
    mix_number(n.output.channels);
  }
  return hash;
}

struct cpu;  // kernels/cpu.hpp: the backend that constants speak of where none is named

template <class Backend>
struct operation;  // runtime/operation.hpp: how a backend runs a layer

/// A complete network: everything about it that does not depend on weights or data is a constant. Derive a named struct
/// from it, so that what is made of it (sessions, weights, trainers) is called after it:
///
///   struct lung_net : segx::network<segx::input<1>, segx::lung_unet<16>> {};
///   static_assert(lung_net::at<256, 256>::output == segx::shape{1, 256, 256});
template <class Input, part Body>
struct network {
  using body = Body;
  static constexpr int channels = Input::channels;

 private:
  template <class Op>
  struct any_size {  // a class of its own, so that it costs nothing until somebody asks
    static constexpr auto graph = trace<Body, Op>(shape{channels, 1024, 1024});
  };

 public:
  /// The composed graph on images of one size; also at run time. Look at `first_defect` before you use it.
  template <class Op = no_op>
  static constexpr auto composed(int height, int width, const auto&... choice) {
    return any_size<Op>::graph.resized({channels, height, width}, choice...);
  }

  static constexpr std::int64_t parameter_count = any_size<no_op>::graph.weights;  // learnable values
  static constexpr std::int64_t statistic_count = any_size<no_op>::graph.statistics;
  static constexpr std::uint64_t fingerprint = fingerprint_of(any_size<no_op>::graph);
  static constexpr int classes = any_size<no_op>::graph.output().output.channels;

  /// The composed graph whatever the size, for names, learnables and channels; a constant, on images of 1024².
  template <class Op = no_op>
  static constexpr const auto& composed() {
    return any_size<Op>::graph;
  }
  static constexpr const auto& nodes() { return any_size<no_op>::graph.nodes; }

  /// Why the network does not take images of this size; none if it does.
  static constexpr defect defect_at(int height, int width) { return composed(height, width).first_defect; }

  /// The network on images of Height × Width pixels. A network that does not take such images does not compile.
  template <int Height, int Width>
  struct at {
    static constexpr shape image{channels, Height, Width};
    static constexpr auto graph = composed(Height, Width);

   private:
    static constexpr defect found = graph.first_defect;
    static constexpr fits_together<found> checked{};

   public:
    using network_type = network;
    static constexpr shape output = graph.output().output;
    static constexpr std::int64_t macs = [] {
      std::int64_t sum = 0;
      for (const auto& n : graph.nodes) { sum += n.macs; }
      return sum;
    }();

    /// What is executed and where its memory is. (Needs runtime/operation.hpp and the backend's header.)
    template <class Backend, purpose Why>
    struct plan {
      static constexpr auto lowered =
          lower(composed<operation<runs_as<Backend>>>(Height, Width, choice_of<Backend>), Why);
      static constexpr auto memory = plan_memory(lowered.body, Backend::memory, Why);
      static constexpr std::int64_t arena_bytes = memory.bytes(sizeof(typename Backend::scalar), 1, 1);
    };

    /// Memory in which one image is segmented on the CPU by one thread: activations and scratch, without weights.
    static constexpr std::int64_t arena_bytes = plan<cpu, purpose::inference>::arena_bytes;
    /// … and in which the network is trained on one image: activations, gradients and scratch.
    static constexpr std::int64_t training_bytes_per_image = plan<cpu, purpose::training>::arena_bytes;
  };
};

}  // namespace segx
