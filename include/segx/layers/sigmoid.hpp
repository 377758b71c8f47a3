#pragma once

#include <string_view>

#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = 1 / (1 + e^−x). At the end of a network it is the head: training and losses see the logits x, prediction gives
/// y.
struct sigmoid : pointwise<epilogue{.act = activation::sigmoid}> {
  static constexpr std::string_view name = "sigmoid";
};

}  // namespace segx
