#pragma once

#include <string_view>

#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = min(max(x, 0), 6)
struct relu6 : pointwise<epilogue{.act = activation::relu6}> {
  static constexpr std::string_view name = "relu6";
};

}  // namespace segx
