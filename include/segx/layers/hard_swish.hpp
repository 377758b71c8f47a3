#pragma once

#include <string_view>

#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = x · min(max(x + 3, 0), 6) / 6. Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.
struct hard_swish : pointwise<epilogue{.act = activation::hard_swish}> {
  static constexpr std::string_view name = "hard_swish";
};

}  // namespace segx
