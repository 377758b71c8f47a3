#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace segx::detail {

/// The value below which a fraction ∈ [0,1] of sorted values lies, which are at least one: linear between neighbours,
/// as NumPy's percentile.
template <class Value>
Value percentile_of_sorted(std::span<const Value> sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace segx::detail
