#pragma once

#include <cstdint>

namespace segx::gpu {

/// Division of numbers below 2³¹ by a number that is known before the kernel starts: a product and a shift, as GPUs
/// have no instruction for division.
///
///   ⌊n / d⌋ = (⌊n · m / 2³²⌋ + n) >> s,   s = ⌈log₂ d⌉,   m = ⌊2³² · (2ˢ − d) / d⌋ + 1
///
/// Source: Granlund & Montgomery, "Division by invariant integers using multiplication", PLDI 1994.
class fast_divisor {
 public:
  constexpr fast_divisor() = default;
  constexpr explicit fast_divisor(std::uint32_t divisor) : divisor_{divisor} {
    while ((std::uint64_t{1} << shift_) < divisor) { ++shift_; }
    multiplier_ = static_cast<std::uint32_t>(
        ((std::uint64_t{1} << 32U) * ((std::uint64_t{1} << shift_) - divisor)) / divisor + 1);
  }

  constexpr std::uint32_t quotient(std::uint32_t n) const {
    const auto high = static_cast<std::uint32_t>((std::uint64_t{n} * multiplier_) >> 32U);
    return (high + n) >> shift_;
  }
  constexpr std::uint32_t rest(std::uint32_t n) const { return n - quotient(n) * divisor_; }
  constexpr std::uint32_t divisor() const { return divisor_; }

 private:
  std::uint32_t divisor_ = 1, multiplier_ = 1;
  std::uint32_t shift_ = 0;
};

}  // namespace segx::gpu
