#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace segx::testing {

/// max |found − expected| / max |expected|, the error of an array as a whole; infinite where something was not written
/// (NaN) or the sizes differ. An expected array of zeros is compared without scale.
template <class T, class U>
double relative_error(std::span<T> found, std::span<U> expected) {
  if (found.size() != expected.size()) { return std::numeric_limits<double>::infinity(); }
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double here = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    if (!std::isfinite(here)) { return std::numeric_limits<double>::infinity(); }
    difference = std::max(difference, here);
    scale = std::max(scale, std::abs(static_cast<double>(expected[i])));
  }
  return scale > 0 ? difference / scale : difference;
}

double relative_error(const auto& found, const auto& expected) {
  return relative_error(std::span{found.data(), found.size()}, std::span{expected.data(), expected.size()});
}

}  // namespace segx::testing
