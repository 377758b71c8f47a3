#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/simd.hpp>

/// Where the sums of a convolution go. A kernel gives each sum to `store` (one slice of the channels of a pixel;
/// `where` is its place in a blocked tensor, null in a plain one) or `store_value`. Where `is_clamped_sum()`, it may
/// instead store `clamped_sum(d, k)(sum)` itself, for vectors d of channels from k on: what most layers need, without a
/// branch; and where it `drops()`, `drop` what it stored.
namespace segx::simd::HWY_NAMESPACE {

/// y = then(sum + bias).
class forward_result {
 public:
  /// `packed_bias`: filled up to whole panels.
  forward_result(const forward_pass<float>& f, const float* packed_bias)
      : y_{f.y}, bias_{packed_bias}, then_{f.then, f.seed, f.y.extent.plane()} {}

  bool is_clamped_sum() const { return then_.is_clamp(); }
  bool drops() const { return then_.drops(); }

  /// Dropout of `count` neighbouring pixels of a blocked tensor, the first of which stands at `where`.
  template <class D>
  HWY_INLINE void drop(D d, int k, int n, std::int64_t pixel, int count, float* where,
                       std::int64_t block_distance) const {
    const std::uint32_t first = index(k, n, pixel);
    for (int p = 0; p < count; ++p, where += channel_block) {
      const auto v = then_.dropped(d, load_pixel(d, where, block_distance), first + static_cast<std::uint32_t>(p));
      split_pixel(d, v, where, block_distance, store_slice{});
    }
  }

  template <class D>
  HWY_INLINE auto clamped_sum(D d, int k) const {
    return [bias = hn::LoadU(d, bias_ + k), floor = hn::Set(d, then_.floor()), ceiling = hn::Set(d, then_.ceiling())](
               hn::Vec<D> sum) SEGX_INLINED { return hn::Min(ceiling, hn::Max(floor, hn::Add(sum, bias))); };
  }
  HWY_INLINE void store(vec sum, int k, int n, std::int64_t pixel, float* where) const {
    const vec v = then_(hn::Add(sum, load(bias_ + k)), index(k, n, pixel));
    if (where != nullptr) { return simd::store(v, where); }
    float values[lanes];
    simd::store(v, values);
    for (int lane = 0; lane < std::min(lanes, y_.extent.channels - k); ++lane) {
      at(k + lane, n, pixel) = values[lane];
    }
  }
  void store_value(float sum, int k, int n, std::int64_t pixel) const {
    at(k, n, pixel) = hn::GetLane(then_(all(sum + bias_[k]), index(k, n, pixel)));
  }

 private:
  float& at(int k, int n, std::int64_t pixel) const { return y_.image(n)[k * y_.extent.plane() + pixel]; }
  std::uint32_t index(int k, int n, std::int64_t pixel) const {
    return static_cast<std::uint32_t>((std::int64_t{n} * y_.extent.channels + k) * y_.extent.plane() + pixel);
  }

  view<float> y_;
  const float* bias_;
  vector_epilogue then_;
};

/// dx = sum, or dx += sum.
class gradient_result {
 public:
  gradient_result(const view<float>& dx, bool adds) : dx_{dx}, adds_{adds} {}

  bool is_clamped_sum() const { return !adds_; }
  static constexpr bool drops() { return false; }
  template <class D>
  void drop(D, int, int, std::int64_t, int, float*, std::int64_t) const {}

  template <class D>
  HWY_INLINE auto clamped_sum(D, int) const {
    return [](hn::Vec<D> sum) SEGX_INLINED { return sum; };
  }
  HWY_INLINE void store(vec sum, int c, int n, std::int64_t pixel, float* where) const {
    if (where != nullptr) { return simd::store(adds_ ? hn::Add(load(where), sum) : sum, where); }
    float values[lanes];
    simd::store(sum, values);
    for (int lane = 0; lane < std::min(lanes, dx_.extent.channels - c); ++lane) {
      store_value(values[lane], c + lane, n, pixel);
    }
  }
  void store_value(float sum, int c, int n, std::int64_t pixel) const {
    float& to = dx_.image(n)[c * dx_.extent.plane() + pixel];
    to = adds_ ? to + sum : sum;
  }

 private:
  view<float> dx_;
  bool adds_;
};

}  // namespace segx::simd::HWY_NAMESPACE
