#pragma once

#include <string_view>

#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = min(max(x + 3, 0), 6) / 6, a sigmoid of straight lines.
struct hard_sigmoid : pointwise<epilogue{.act = activation::hard_sigmoid}> {
  static constexpr std::string_view name = "hard_sigmoid";
};

}  // namespace segx
