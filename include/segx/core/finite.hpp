#pragma once

#include <bit>
#include <cstdint>

namespace segx {

/// False for infinities and NaN, by their bits: compilers that are told -ffast-math leave `std::isfinite` out.
constexpr bool is_finite(float value) { return (std::bit_cast<std::uint32_t>(value) & 0x7f800000U) != 0x7f800000U; }
constexpr bool is_finite(double value) {
  constexpr std::uint64_t exponent = 0x7ff0000000000000U;
  return (std::bit_cast<std::uint64_t>(value) & exponent) != exponent;
}

}  // namespace segx
