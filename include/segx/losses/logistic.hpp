#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

/// The sigmoid p = 1 / (1 + e⁻ᶻ) and its logarithm, both from e = exp(−|z|) ∈ (0,1], which never overflows:
///
///   p = (z ≥ 0 ? 1 : e) / (1 + e)     p (1 − p) = e / (1 + e)²     log(1 + eᶻ) = max(z, 0) + log1p(e)
///
/// Compilers (GCC from -O3) turn loops over these functions into SIMD, which they cannot do to std::exp.
namespace segx::detail {

/// Elements that are handled together, so that intermediate arrays stay in the first-level cache.
inline constexpr std::size_t block = 64;

template <class T>
using block_of = std::array<T, block>;

/// f(first, count) for consecutive blocks of [0, size); count ≤ block.
template <class F>
void for_each_block(std::size_t size, F f) {
  for (std::size_t first = 0; first < size; first += block) { f(first, std::min(block, size - first)); }
}

/// e[j] = exp(−|z[j]|), to 1e-7 relative, for j < count; below e⁻⁸⁷, where floats end, it stays at e⁻⁸⁷. NaN stays NaN.
/// −|z| = k log 2 + r with integer k and |r| ≤ ½ log 2; eʳ by the polynomial of expf in Moshier's Cephes library.
inline void exp_minus_abs(const float* z, block_of<float>& e, std::size_t count) {
  // A loop of its own: GCC 12 does not vectorise a choice followed by arithmetic.
  for (std::size_t j = 0; j < count; ++j) {
    const float a = std::abs(z[j]);
    e[j] = a > 87.0F ? 87.0F : a;
  }
  constexpr float to_integer = 12582912.0F;  // 1.5 · 2²³: adding it leaves k in the lowest bits of the sum
  for (std::size_t j = 0; j < count; ++j) {
    const float shifted = to_integer - e[j] * 1.44269504F;  // / log 2
    const float k = shifted - to_integer;
    const float r = (-e[j] - k * 0.693359375F) + k * 2.12194440e-4F;  // log 2 in two parts
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1.0F;
    e[j] = p * std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127U) << 23U);  // · 2ᵏ
  }
}

inline void exp_minus_abs(const double* z, block_of<double>& e, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) { e[j] = std::exp(-std::abs(z[j])); }
}

/// log(1 + e) for e ∈ [0,1], to 3e-7 relative: 2 artanh(e / (2 + e)) by its series, whose argument is at most 1/3.
inline float log1p_of_unit(float e) {
  const float s = e / (2.0F + e);
  const float q = s * s;
  float sum = 1.0F / 15;
  sum = sum * q + 1.0F / 13;
  sum = sum * q + 1.0F / 11;
  sum = sum * q + 1.0F / 9;
  sum = sum * q + 1.0F / 7;
  sum = sum * q + 1.0F / 5;
  sum = sum * q + 1.0F / 3;
  sum = sum * q + 1.0F;
  return 2.0F * s * sum;
}

inline double log1p_of_unit(double e) { return std::log1p(e); }

/// log x for normal x > 0, to 2e-7 relative to the larger of |log x| and 1; NaN stays NaN. x = m · 2ᵏ with m ∈ [√½,
/// √2), and log m by the polynomial of logf in Moshier's Cephes library.
inline float log_of(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t shifted = bits - 0x3f3504f3U;  // √½
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(shifted) >> 23);
  const float r = std::bit_cast<float>((shifted & 0x007fffffU) + 0x3f3504f3U) - 1.0F;
  float p = 7.0376836292e-2F;
  p = p * r - 1.1514610310e-1F;
  p = p * r + 1.1676998740e-1F;
  p = p * r - 1.2420140846e-1F;
  p = p * r + 1.4249322787e-1F;
  p = p * r - 1.6668057665e-1F;
  p = p * r + 2.0000714765e-1F;
  p = p * r - 2.4999993993e-1F;
  p = p * r + 3.3333331174e-1F;
  const float square = r * r;
  return r + (p * r * square - 0.5F * square + exponent * -2.12194440e-4F) + exponent * 0.693359375F + (x - x);
}

inline double log_of(double x) { return std::log(x); }

/// sigmoid(z), given e = exp(−|z|).
template <class T>
T sigmoid_of(T z, T e) {
  return (z >= 0 ? T{1} : e) / (1 + e);
}

}  // namespace segx::detail
