#pragma once

namespace segx {

/// A number as a template argument: `leaky_relu<0.1>`. (Clang 14 takes no bare `double` there.)
struct real {
  double value = 0;

  constexpr real(double v) : value{v} {}
  constexpr real(int v) : value{static_cast<double>(v)} {}  // `stochastic_depth<20>`
  constexpr operator double() const { return value; }
};

}  // namespace segx
