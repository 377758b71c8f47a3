#pragma once

#include <string_view>

#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = max(x, 0)
struct relu : pointwise<epilogue{.act = activation::relu}> {
  static constexpr std::string_view name = "relu";
};

}  // namespace segx
