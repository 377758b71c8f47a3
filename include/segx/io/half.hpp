#pragma once

#include <cstdint>
#include <cstring>

namespace segx {

namespace detail {

// std::bit_cast, which the C++ library of Emscripten 3.1.6 lacks.
inline std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline float float_of(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace detail

/// The 16 bits of an IEEE 754 binary16 ("half", dtype F16) as a float; exact, subnormals, infinities and NaNs included.
inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 31u;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 31) { return detail::float_of(sign | 0x7f800000u | fraction << 13); }
  if (exponent > 0) { return detail::float_of(sign | (exponent + 112) << 23 | fraction << 13); }
  return detail::float_of(sign | detail::bits_of(static_cast<float>(fraction) * 0x1p-24f));
}

/// The nearest half of a float, ties to even: 65520 and above become infinite, values of up to 2⁻²⁵ become zero, and a
/// NaN stays a NaN (made quiet).
inline std::uint16_t float_to_half(float value) {
  const auto bits = detail::bits_of(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000u) {  // NaN: keep what fits of the payload
    half = 0x7e00u | (magnitude >> 13 & 0x3ffu);
  } else if (magnitude >= 0x477ff000u) {  // from 65520 on, halfway between 65504 and 2¹⁶
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // from 2⁻¹⁴ on, normal: a carry out of the fraction raises the exponent
    half = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - (112u << 23)) >> 13;
  } else if (magnitude > 0x33000000u) {  // above 2⁻²⁵, subnormal: a multiple of 2⁻²⁴
    const std::uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    const std::uint32_t shift = 126 - (magnitude >> 23);  // 14 … 24
    const std::uint32_t floor = significand >> shift;
    const std::uint32_t rest = significand - (floor << shift);
    const std::uint32_t middle = 1u << (shift - 1);
    half = floor + (rest > middle || (rest == middle && floor % 2 == 1) ? 1 : 0);
  }
  return static_cast<std::uint16_t>(sign | half);
}

/// The 16 bits of a bfloat16 (dtype BF16: the upper half of a float) as a float; exact.
inline float bfloat16_to_float(std::uint16_t upper) { return detail::float_of(std::uint32_t{upper} << 16); }

/// The nearest bfloat16 of a float, ties to even; a NaN stays a NaN (made quiet).
inline std::uint16_t float_to_bfloat16(float value) {
  const auto bits = detail::bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return static_cast<std::uint16_t>(bits >> 16 | 0x40u); }
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace segx
