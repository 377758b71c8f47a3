#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
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
constexpr std::uint32_t element_index(shape s, int n, int c, int i, int j) {
  return static_cast<std::uint32_t>(((std::int64_t{n} * s.channels + c) * s.height + i) * s.width + j);
}

/// What the dropout of an epilogue draws by: elements, or whole images.
constexpr std::uint32_t drawn_index(const epilogue& then, shape s, int n, int c, int i, int j) {
  return then.whole_image ? static_cast<std::uint32_t>(n) : element_index(s, n, c, i, j);
}

template <class T>
constexpr T apply(activation act, T slope, T value) {
  const auto hard_sigmoid = [](T x) { return std::clamp(x + 3, T{0}, T{6}) / 6; };
  switch (act) {
    case activation::none:
    case activation::softmax:  // no matter of one value
      return value;
    case activation::relu:
      return value > 0 ? value : 0;
    case activation::relu6:
      return std::clamp(value, T{0}, T{6});
    case activation::leaky_relu:
      return value > 0 ? value : slope * value;
    case activation::elu:
      return value > 0 ? value : slope * std::expm1(value);
    case activation::sigmoid:
      return 1 / (1 + std::exp(-value));
    case activation::hard_sigmoid:
      return hard_sigmoid(value);
    case activation::silu:
      return value / (1 + std::exp(-value));
    case activation::hard_swish:
      return value * hard_sigmoid(value);
  }
  return value;
}

template <class T>
constexpr T apply(const epilogue& then, T value, std::uint32_t seed, std::uint32_t index) {
  value = apply(then.act, static_cast<T>(then.slope), value);
  if (then.dropout > 0) {
    const bool stays = survives_dropout(seed, index, dropout_threshold(then.dropout));
    value = stays ? value / (1 - static_cast<T>(then.dropout)) : 0;
  }
  return value;
}

/// The slope of an activation, from its result y, or from its input where the result does not tell.
template <class T>
constexpr T slope(activation act, T leak, T known) {
  switch (act) {
    case activation::none:
    case activation::softmax:
      return 1;
    case activation::relu:
      return known > 0 ? 1 : 0;
    case activation::relu6:
      return known > 0 && known < 6 ? 1 : 0;
    case activation::leaky_relu:
      return known > 0 ? 1 : leak;
    case activation::elu:
      return known > 0 ? 1 : known + leak;
    case activation::sigmoid:
      return known * (1 - known);
    case activation::hard_sigmoid:
      return known > 0 && known < 1 ? T{1} / 6 : 0;
    case activation::silu: {
      const T s = 1 / (1 + std::exp(-known));
      return s * (1 + known * (1 - s));
    }
    case activation::hard_swish:
      return known <= -3 ? 0 : known >= 3 ? 1 : known / 3 + T{1} / 2;
  }
  return 1;
}

/// The factor from the gradient with respect to the result of an epilogue to that with respect to its input. `known`:
/// the result, or the input where `slope_follows_from_result` says no. Results were rounded by `stored`.
template <class T, class Stored = std::identity>
constexpr T slope(const epilogue& then, T known, std::uint32_t seed, std::uint32_t index, Stored stored = {}) {
  const T kept = 1 - static_cast<T>(then.dropout);
  if (then.dropout > 0 && !survives_dropout(seed, index, dropout_threshold(then.dropout))) { return 0; }
  if (slope_follows_from_result(then.act)) {
    const T most = largest_result(then.act);  // which rounding must not hide
    const T ceiling = then.act == activation::sigmoid ? most / kept : stored(most / kept);  // others break off there
    known = known >= ceiling ? most : known * kept;
  }
  return slope(then.act, static_cast<T>(then.slope), known) / kept;
}

}  // namespace detail

}  // namespace segx
