#pragma once

#include <array>
#include <string_view>

#include <segx/core/real.hpp>
#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = x for x > 0, else Alpha · (e^x − 1). Source: Clevert, Unterthiner & Hochreiter, arXiv:1511.07289.
template <real Alpha = 1.0>
  requires(Alpha > 0)
struct elu : pointwise<epilogue{.act = activation::elu, .slope = static_cast<float>(Alpha)}> {
  static constexpr std::string_view name = "elu";
  static constexpr std::array attributes{attribute{"alpha", Alpha}};
};

}  // namespace segx
