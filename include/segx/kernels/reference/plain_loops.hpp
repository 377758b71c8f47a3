#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include <segx/core/epilogue.hpp>
#include <segx/core/layout.hpp>
#include <segx/core/view.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/elementwise.hpp>

namespace segx {

/// Plain loops, no dependency: the meaning of every kernel, in any element type and any layout. Other backends derive
/// from it, so that a layer whose kernel exists only here runs there too.
template <class T, layout Memory>
struct plain_loops : backend_base {
  using scalar = T;
  static constexpr layout memory = Memory;
};

/// The oracle of every other backend: plain loops over [N,C,H,W]; in double for gradient checks.
template <class T = float>
struct reference : plain_loops<T, layout{}> {};

namespace detail {

template <layout Memory, class T>
struct element_access {
  view<T> of;

  T& operator()(int n, int c, int i, int j) const { return of.image(n)[Memory.index(of.extent, c, i, j)]; }
};

}  // namespace detail

/// x(n, c, i, j), wherever the layout keeps it.
template <layout Memory, class T>
detail::element_access<Memory, T> elements(view<T> of) {
  return {of};
}

/// Calls f(n, c, i, j) for every element of a tensor.
template <class T>
void for_each_element(const view<T>& of, auto&& f) {
  for (int n = 0; n < of.batch; ++n) {
    for (int c = 0; c < of.extent.channels; ++c) {
      for (int i = 0; i < of.extent.height; ++i) {
        for (int j = 0; j < of.extent.width; ++j) { f(n, c, i, j); }
      }
    }
  }
}

/// Finite values in the lanes behind the last channel, where the layout has some: kernels of whole blocks read them.
template <layout Memory, class T>
void set_spare_lanes(const view<T>& of, T value = 0) {
  if (!Memory.is_blocked(of.extent)) { return; }
  const int lanes = (of.extent.channels + Memory.block - 1) / Memory.block * Memory.block;
  for (int n = 0; n < of.batch; ++n) {
    for (int c = of.extent.channels; c < lanes; ++c) {
      for (int i = 0; i < of.extent.height; ++i) {
        for (int j = 0; j < of.extent.width; ++j) { of.image(n)[Memory.index(of.extent, c, i, j)] = value; }
      }
    }
  }
}

namespace detail {

/// Place of an element in [N,C,H,W], modulo 2³².
inline std::uint32_t element_index(shape s, int n, int c, int i, int j) {
  return static_cast<std::uint32_t>(((std::int64_t{n} * s.channels + c) * s.height + i) * s.width + j);
}

template <class T>
T apply(activation act, T value) {
  switch (act) {
    case activation::none:
      return value;
    case activation::relu:
      return value > 0 ? value : 0;
    case activation::sigmoid:
      return 1 / (1 + std::exp(-value));
  }
  return value;
}

template <class T>
T apply(const epilogue& then, T value, std::uint32_t seed, std::uint32_t index) {
  value = apply(then.act, value);
  if (then.dropout > 0) {
    const bool stays = survives_dropout(seed, index, dropout_threshold(then.dropout));
    value = stays ? value / (1 - static_cast<T>(then.dropout)) : 0;
  }
  return value;
}

/// The factor from the gradient with respect to the result y of an epilogue to that with respect to its input.
template <class T>
T slope(const epilogue& then, T y, std::uint32_t seed, std::uint32_t index) {
  const T kept = 1 - static_cast<T>(then.dropout);
  if (then.dropout > 0 && !survives_dropout(seed, index, dropout_threshold(then.dropout))) { return 0; }
  switch (then.act) {
    case activation::none:
      return 1 / kept;
    case activation::relu:
      return y > 0 ? 1 / kept : 0;
    case activation::sigmoid:
      return y * (1 - y * kept);  // y = s / kept, so s (1 − s) / kept
  }
  return 1;
}

}  // namespace detail

}  // namespace segx
