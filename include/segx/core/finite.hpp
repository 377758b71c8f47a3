#pragma once

#include <cstdint>

namespace segx {

/// False for infinities and NaN, by their bits: compilers that are told -ffast-math leave `std::isfinite` out.
constexpr bool is_finite(float value) {
  constexpr std::uint32_t exponent = 0x7f800000U;
  return (__builtin_bit_cast(std::uint32_t, value) & exponent) != exponent;  // std::bit_cast is not in Emscripten 3.1.6
}
constexpr bool is_finite(double value) {
  constexpr std::uint64_t exponent = 0x7ff0000000000000U;
  return (__builtin_bit_cast(std::uint64_t, value) & exponent) != exponent;
}

}  // namespace segx
