#pragma once

#include <array>
#include <string_view>

#include <segx/core/real.hpp>
#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = x for x > 0, else Slope · x. Source: Maas, Hannun & Ng, "Rectifier nonlinearities improve neural network
/// acoustic models", ICML 2013.
template <real Slope = 0.01>
  requires(Slope > 0)
struct leaky_relu : pointwise<epilogue{.act = activation::leaky_relu, .slope = static_cast<float>(Slope)}> {
  static constexpr std::string_view name = "leaky_relu";
  static constexpr std::array attributes{attribute{"slope", Slope}};
};

}  // namespace segx
