#pragma once

#include <string_view>

#include <segx/layers/pointwise.hpp>

namespace segx {

/// y = x / (1 + e^−x), the sigmoid linear unit, also called swish. Sources: Elfwing, Uchibe & Doya, arXiv:1702.03118;
/// Ramachandran, Zoph & Le, arXiv:1710.05941.
struct silu : pointwise<epilogue{.act = activation::silu}> {
  static constexpr std::string_view name = "silu";
};

}  // namespace segx
