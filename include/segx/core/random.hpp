#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

namespace segx {

/// Random numbers that are the same on every machine, compiler and standard library (std::shuffle and the standard's
/// distributions are not). A generator is made from numbers that name its purpose, e.g. {seed, epoch, sample}, so that
/// what it gives never depends on what was drawn before, or in which thread.
///
/// Source: SplitMix64, Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
class random_generator {
 public:
  explicit random_generator(std::initializer_list<std::uint64_t> purpose) {
    for (const std::uint64_t part : purpose) { state_ = mixed(state_ + part + golden); }
  }

  /// Uniform over all 64-bit numbers.
  std::uint64_t bits() { return mixed(state_ += golden); }

  /// Uniform in [0,1), in steps of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// Uniform in {0, …, bound − 1}; bound positive.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t unfair = -bound % bound;  // 2^64 mod bound: the lowest numbers, which would come once too often
    std::uint64_t drawn = bits();
    while (drawn < unfair) { drawn = bits(); }
    return drawn % bound;
  }

  /// Puts the values into random order, each order equally likely (Fisher and Yates).
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t left = values.size(); left > 1; --left) { std::swap(values[left - 1], values[below(left)]); }
  }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

  static constexpr std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_ = 0;
};

}  // namespace segx
