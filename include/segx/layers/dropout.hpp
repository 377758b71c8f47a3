#pragma once

#include <array>
#include <string_view>

#include <segx/layers/pointwise.hpp>

namespace segx {

/// In training a value becomes 0 with a probability of Percent / 100, and x / (1 − Percent / 100) otherwise; deployed,
/// this layer is gone. Which values fall depends on seed, step, layer and place alone, not on threads or backend.
/// Source: Srivastava et al., "Dropout", JMLR 15 (2014).
template <int Percent>
  requires(Percent > 0 && Percent < 100)
struct dropout : pointwise<epilogue{.dropout = Percent / 100.0F}> {
  static constexpr std::string_view name = "dropout";
  static constexpr std::array attributes{attribute{"percent", Percent}};
};

}  // namespace segx
