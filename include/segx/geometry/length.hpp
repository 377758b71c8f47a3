#pragma once

#include <compare>
#include <string_view>
#include <type_traits>

namespace segx {

struct pixel {
  static constexpr std::string_view symbol = "px";
};
struct millimetre {
  static constexpr std::string_view symbol = "mm";
};

/// A length in the image plane, whose type says the unit. Lengths of one unit add up and compare; those of two do not
/// compile. There is no conversion: pixels need not be square, so measure again with the `spacing`.
template <class Unit>
struct length {
  using unit = Unit;
  double value = 0;

  friend constexpr auto operator<=>(length, length) = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 errs
  friend constexpr length operator+(length a, length b) { return {a.value + b.value}; }
  friend constexpr length operator-(length a, length b) { return {a.value - b.value}; }
  friend constexpr length operator*(double factor, length a) { return {factor * a.value}; }
  friend constexpr length operator/(length a, double divisor) { return {a.value / divisor}; }
  friend constexpr double operator/(length a, length b) { return a.value / b.value; }
  constexpr length& operator+=(length other) { return *this = *this + other; }
};

using pixels = length<pixel>;
using millimetres = length<millimetre>;

/// How far apart the centres of neighbouring pixels are.
struct spacing {
  millimetres row;     ///< from a row to the next
  millimetres column;  ///< from a column to the next
};

namespace detail {
template <class A, class B>
consteval void expect_one_unit() {
  static_assert(
      sizeof(A) == 0,
      "a length in pixels and a length in millimetres cannot be mixed: measure both with the spacing of their "
      "images, or both without");
}
}  // namespace detail

template <class A, class B>
  requires(!std::is_same_v<A, B>)
constexpr length<A> operator+(length<A> a, length<B>) {
  detail::expect_one_unit<A, B>();
  return a;
}

}  // namespace segx
