#pragma once

#include <cmath>
#include <cstdint>

#include <segx/core/random.hpp>

// What augmentations and phantoms draw beyond random_generator's numbers; the same on every machine, too.

namespace segx {

/// Uniform in [low, high).
inline double draw_between(random_generator& random, double low, double high) {
  return low + (high - low) * random.uniform();
}

/// Between low and high, both positive, so that a factor and its inverse are equally likely.
inline double draw_factor(random_generator& random, double low, double high) {
  return low * std::pow(high / low, random.uniform());
}

/// Uniform in {0, …, last}.
inline int draw_up_to(random_generator& random, int last) {
  return static_cast<int>(random.below(static_cast<std::uint64_t>(last) + 1));
}

/// Mean 0, variance 1, within ±3.5: the sum of four 16-bit uniforms, exact integers on every machine.
inline float draw_normal(random_generator& random) {
  const std::uint64_t b = random.bits();
  const auto sum = static_cast<std::int32_t>((b & 0xffff) + (b >> 16 & 0xffff) + (b >> 32 & 0xffff) + (b >> 48));
  return static_cast<float>(sum - 2 * 0xffff) * static_cast<float>(1.7320508 / 65536);
}

}  // namespace segx
