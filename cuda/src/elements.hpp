#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>

#include <segx/core/error.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

#include "fast_divisor.hpp"
#include "run.hpp"
#include "stored.hpp"

namespace segx::gpu {

/// A tensor as a kernel's body sees it: [pixels][channels], with the type of its numbers.
template <class T>
struct elements_of {
  T* data = nullptr;
  std::uint32_t pixel = 0;  // numbers from one pixel to the next

  constexpr elements_of() = default;
  explicit elements_of(const tensor& t) : data{static_cast<T*>(t.data)}, pixel{static_cast<std::uint32_t>(t.pixel)} {}

  constexpr T* at(std::uint32_t p, int channel) const {
    return data + static_cast<std::size_t>(p) * pixel + static_cast<std::size_t>(channel);
  }
  constexpr float operator()(std::uint32_t p, int channel) const { return to_float(*at(p, channel)); }
  constexpr void set(std::uint32_t p, int channel, float value) const { *at(p, channel) = from_float<T>(value); }
  constexpr void put(std::uint32_t p, int channel, float value, bool adds) const {
    set(p, channel, adds ? (*this)(p, channel) + value : value);
  }
  template <int V>
  constexpr lanes<V> get(std::uint32_t p, int channel) const {
    return load<V>(at(p, channel));
  }
  template <int V>
  constexpr void set(std::uint32_t p, int channel, const lanes<V>& values) const {
    store<V>(at(p, channel), values);
  }
  template <int V>
  constexpr void put(std::uint32_t p, int channel, lanes<V> values, bool adds) const {
    if (adds) {
      const lanes<V> before = get<V>(p, channel);
      for (int v = 0; v < V; ++v) { values.at[v] += before.at[v]; }
    }
    set<V>(p, channel, values);
  }
};

/// Channels `channel`, `channel` + 1, … of a pixel of all the batch's.
struct spot {
  std::uint32_t pixel;
  int channel;
};

/// From the number of a thread to where it works, V channels of one pixel; neighbours work side by side.
struct grid {
  fast_divisor vectors;  // of V channels, in a pixel
  fast_divisor plane;    // pixels of an image
  fast_divisor width;
  shape extent;

  grid() = default;
  grid(shape s, int v)
      : vectors{static_cast<std::uint32_t>(s.channels / v)},
        plane{static_cast<std::uint32_t>(s.plane())},
        width{static_cast<std::uint32_t>(s.width)},
        extent{s} {}

  template <int V>
  constexpr spot at(std::uint32_t thread) const {
    const std::uint32_t pixel = vectors.quotient(thread);
    return {pixel, static_cast<int>(thread - pixel * vectors.divisor()) * V};
  }
  constexpr int image(std::uint32_t pixel) const { return static_cast<int>(plane.quotient(pixel)); }

  /// Where an element stands in [N,C,H,W], as the host has it and all backends count.
  constexpr std::size_t in_planes(spot at) const {
    const std::uint32_t n = plane.quotient(at.pixel);
    const std::size_t channel =
        std::size_t{n} * static_cast<std::size_t>(extent.channels) + static_cast<std::size_t>(at.channel);
    return channel * plane.divisor() + (at.pixel - n * plane.divisor());
  }

  struct position {
    int n, i, j;
  };
  constexpr position position_of(std::uint32_t pixel) const {
    const std::uint32_t n = plane.quotient(pixel);
    const std::uint32_t within = pixel - n * plane.divisor();
    const std::uint32_t i = width.quotient(within);
    return {static_cast<int>(n), static_cast<int>(i), static_cast<int>(within - i * width.divisor())};
  }
  constexpr std::uint32_t pixel_of(int n, int i, int j) const {
    return static_cast<std::uint32_t>((n * extent.height + i) * extent.width + j);
  }
};

/// Threads of a kernel over all of a tensor. Throws if a batch has more values than kernels can count.
inline std::int64_t threads_over(const tensor& t, int v) {
  const std::int64_t values = t.pixels() * t.extent.channels;
  if (values >= std::int64_t{1} << 31U) {
    fail({"a tensor of ", values, " values is more than a kernel counts; take smaller batches"});
  }
  return values / v;
}

/// Calls f(integral constant V): as many channels at a time as fill 16 bytes, the most that a thread reads at once, and
/// no more than `most`; 1 where the channels or the addresses of a tensor do not allow it.
template <class T, int Most = 16, class Function>
void with_lanes(std::initializer_list<tensor> tensors, Function&& f) {
  constexpr int wide = std::min(static_cast<int>(16 / sizeof(T)), Most);
  const auto allows = [](const tensor& t) {
    const auto address = reinterpret_cast<std::uintptr_t>(t.data);
    return !t || (t.extent.channels % wide == 0 && t.pixel % wide == 0 && address % (wide * sizeof(T)) == 0);
  };
  if (std::all_of(tensors.begin(), tensors.end(), allows)) {
    f(std::integral_constant<int, wide>{});
  } else {
    f(std::integral_constant<int, 1>{});
  }
}

/// Runs a kernel over all of a tensor, V channels a thread: `body(integral constant V)` makes it. `tensors`: those that
/// it reads or writes V channels at once.
template <class T, class Body>
void for_each_vector(const queue& on, const tensor& over, std::initializer_list<tensor> tensors, Body&& body) {
  with_lanes<T>(tensors, [&](auto v) { for_each(on, threads_over(over, v), body(v)); });
}

/// What an epilogue does to a value, with the seed and the strength of dropout of the step that is played.
struct applied_epilogue {
  epilogue then;
  const step_values* step;
  std::uint32_t seed;

  applied_epilogue(const queue& on, const epilogue& e, std::uint32_t s) : then{e}, step{on.step}, seed{s} {}

  constexpr epilogue now() const {
    epilogue e = then;
    if (step != nullptr) { e.dropout *= step->dropout; }
    return e;
  }
  constexpr std::uint32_t seed_now() const { return step == nullptr ? seed : hash32(step->seed + seed); }

  /// Of an element, or of its image where whole images are dropped.
  constexpr std::uint32_t index(const grid& g, spot at) const {
    return then.whole_image ? g.plane.quotient(at.pixel) : static_cast<std::uint32_t>(g.in_planes(at));
  }

  template <int V>
  constexpr void apply(const grid& g, spot at, lanes<V>& values) const {
    if (then.dropout > 0) {
      const epilogue e = now();
      for (int v = 0; v < V; ++v) {
        values.at[v] = segx::detail::apply(e, values.at[v], seed_now(), index(g, {at.pixel, at.channel + v}));
      }
    } else {
      for (int v = 0; v < V; ++v) { values.at[v] = segx::detail::apply(then.act, then.slope, values.at[v]); }
    }
  }
  /// `known` was rounded to a number T.
  template <class T, int V>
  constexpr void times_slope(const grid& g, spot at, const lanes<V>& known, lanes<V>& gradient) const {
    if (then.dropout > 0) {
      const epilogue e = now();
      for (int v = 0; v < V; ++v) {
        gradient.at[v] *= segx::detail::slope(e, known.at[v], seed_now(), index(g, {at.pixel, at.channel + v}),
                                              [](float value) { return to_float(from_float<T>(value)); });
      }
    } else {
      for (int v = 0; v < V; ++v) { gradient.at[v] *= segx::detail::slope(then.act, then.slope, known.at[v]); }
    }
  }
};

}  // namespace segx::gpu
