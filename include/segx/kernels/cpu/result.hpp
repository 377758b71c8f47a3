#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/simd.hpp>

/// Where the sums of a convolution go. A kernel gives each sum to `store` (one slice of the channels of a pixel;
/// `where` is its place in a blocked tensor, null in a plain one) or, of one channel, `store_pixels`. In a blocked
/// tensor it may instead `put()` clamped_sum(d, k)(sum) for vectors d of channels from k on: all that most layers need,
/// without a branch; and where the result `finishes()`, `finish` what it put, several pixels at a time.
namespace segx::simd::HWY_NAMESPACE {

/// y = then(sum + bias), or then(sum + bias + x[1]), or then(sum + bias) + x[1] where `then` precedes the sum: a
/// blocked tensor that lies as y does, its images as far apart.
class forward_result {
 public:
  /// `packed_bias`: filled up to whole panels.
  forward_result(const forward_pass<float>& f, const float* packed_bias)
      : y_{f.y},
        bias_{packed_bias},
        added_{f.x[1].data},
        adds_first_{added_ != nullptr && !f.then.precedes_sum},
        then_{f.then, f.seed, f.y.extent.plane()} {}

  /// True if storing a sum again, before its pixel is finished, gives the same.
  static constexpr bool may_repeat() { return true; }
  bool finishes() const { return !then_.is_clamp() || then_.drops() || added_ != nullptr; }

  /// The addition, activation and dropout of `count` pixels in a row, `step` apart, of a blocked tensor; the first
  /// stands at `where`.
  template <class D>
  HWY_NOINLINE void finish(D, int k, int n, std::int64_t pixel, int count, int step, float* where,
                           std::int64_t block_distance) const {
    constexpr int vector = hn::MaxLanes(D{});
    for (int lane = 0; lane < vector; lane += lanes) {
      float* slice = where + lane / channel_block * block_distance + lane % channel_block;
      if (adds_first_) { add_pixels(slice, count, step * channel_block); }
      then_.finish(slice, count, step, index(k + lane, n, pixel));
      if (added_ != nullptr && !adds_first_) { add_pixels(slice, count, step * channel_block); }
    }
  }
  /// Activation and dropout of `count` pixels in a row whose `Channels` channels, from k on, lie together.
  template <int Channels>
  HWY_NOINLINE void finish_row(int k, int n, std::int64_t pixel, int count, float* where) const {
    for (int c = 0; c < channel_block; c += lanes) {
      then_.activate_pixels(where + c, count * (Channels / channel_block), 1);
    }
    for (int c = 0; c < Channels; c += lanes) { then_.drop(where + c, count, Channels, index(k + c, n, pixel), 1); }
  }
  static store_slice put() { return {}; }

  /// Where something is to be added first, the clamp comes behind it.
  template <class D>
  HWY_INLINE auto clamped_sum(D d, int k) const {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    return [bias = hn::LoadU(d, bias_ + k), floor = hn::Set(d, adds_first_ ? -infinity : then_.floor()),
            ceiling = hn::Set(d, adds_first_ ? infinity : then_.ceiling())](hn::Vec<D> sum)
               SEGX_INLINED { return at_most(ceiling, at_least(floor, hn::Add(sum, bias))); };
  }
  HWY_INLINE void store(vec sum, int k, int n, std::int64_t pixel, float* where) const {
    sum = hn::Add(sum, load(bias_ + k));
    if (adds_first_) { sum = hn::Add(sum, load(added_ + (where - y_.data))); }
    vec v = then_(sum, index(k, n, pixel));
    if (added_ != nullptr && !adds_first_) { v = hn::Add(v, load(added_ + (where - y_.data))); }
    if (where != nullptr) { return simd::store(v, where); }
    float values[lanes];
    simd::store(v, values);
    for (int lane = 0; lane < std::min(lanes, y_.extent.channels - k); ++lane) {
      at(k + lane, n, pixel) = values[lane];
    }
  }
  /// Sums of one channel at up to `lanes` pixels in a row, of a plain tensor.
  void store_pixels(const float* sums, int count, int k, int n, std::int64_t pixel) const {
    if (count == lanes && !then_.drops()) {
      return simd::store(then_(hn::Add(load(sums), all(bias_[k])), 0), &at(k, n, pixel));
    }
    for (int p = 0; p < count; ++p) {  // each draws by its own place
      at(k, n, pixel + p) = hn::GetLane(then_(all(sums[p] + bias_[k]), index(k, n, pixel + p)));
    }
  }

 private:
  HWY_NOINLINE void add_pixels(float* slice, int count, int distance) const {
    const float* added = added_ + (slice - y_.data);
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const vec floor = all(adds_first_ ? then_.floor() : -infinity);
    const vec ceiling = all(adds_first_ ? then_.ceiling() : infinity);
    for (int i = 0; i < count * distance; i += distance) {
      simd::store(at_most(ceiling, at_least(floor, hn::Add(load(slice + i), load(added + i)))), slice + i);
    }
  }
  float& at(int k, int n, std::int64_t pixel) const { return y_.image(n)[k * y_.extent.plane() + pixel]; }
  std::uint32_t index(int k, int n, std::int64_t pixel) const {
    return static_cast<std::uint32_t>((std::int64_t{n} * y_.extent.channels + k) * y_.extent.plane() + pixel);
  }

  view<float> y_;
  const float* bias_;
  const float* added_;  // none: nullptr
  bool adds_first_;     // in front of `then`
  vector_epilogue then_;
};

/// dx = sum, or dx += sum; where a ReLU made x, and perhaps a dropout, in front of these.
class gradient_result {
 public:
  gradient_result(const view<float>& dx, bool adds) : dx_{dx}, adds_{adds} {}
  explicit gradient_result(const backward_pass<float>& b)
      : dx_{b.dx[0]}, adds_{b.adds[0]}, x_{b.relu_scale > 0 ? b.x[0].data : nullptr}, scale_{b.relu_scale} {}

  bool may_repeat() const { return !adds_ && x_ == nullptr; }
  static constexpr bool finishes() { return false; }
  template <class D>
  void finish(D, int, int, std::int64_t, int, int, float*, std::int64_t) const {}
  auto put() const {
    return [result = *this](vec v, int, float* to) SEGX_INLINED { simd::store(result.whole(v, to), to); };
  }

  template <class D>
  HWY_INLINE auto clamped_sum(D, int) const {
    return [](hn::Vec<D> sum) SEGX_INLINED { return sum; };
  }
  HWY_INLINE void store(vec sum, int c, int n, std::int64_t pixel, float* where) const {
    if (where != nullptr) { return simd::store(whole(sum, where), where); }
    float values[lanes];
    simd::store(sum, values);
    for (int lane = 0; lane < std::min(lanes, dx_.extent.channels - c); ++lane) {
      store_value(values[lane], c + lane, n, pixel);
    }
  }
  void store_value(float sum, int c, int n, std::int64_t pixel) const {
    float& to = dx_.image(n)[c * dx_.extent.plane() + pixel];
    to = adds_ ? to + sum : sum;
    if (x_ != nullptr) { to = x_[&to - dx_.data] > 0 ? to * scale_ : 0; }
  }

 private:
  /// x and dx lie alike in memory.
  HWY_INLINE vec whole(vec sum, const float* to) const {
    if (adds_) { sum = hn::Add(load(to), sum); }
    return x_ == nullptr ? sum : in_front_of_relu(load(x_ + (to - dx_.data)), sum, scale_);
  }

  view<float> dx_;
  bool adds_;
  const float* x_ = nullptr;
  float scale_ = 0;
};

/// True if y has a place for the vector d of channels from k on: it is blocked, and has so many channels.
template <class D>
bool has_vector(D, const view<float>& y, int k) {
  constexpr int vector = hn::MaxLanes(D{});
  return cpu::memory.is_blocked(y.extent) && k + vector <= detail::whole_blocks(y.extent.channels);
}

/// Stores `count` × `vector` sums one slice at a time, finished, in whatever y is.
template <class Result>
HWY_NOINLINE void store_sums(const Result& result, const float* sums, int vector, const view<float>& y, int k, int n,
                             std::int64_t pixel, int step, int count) {
  const bool is_blocked = cpu::memory.is_blocked(y.extent);
  const int stored = is_blocked ? detail::whole_blocks(y.extent.channels) : y.extent.channels;
  for (int p = 0; p < count; ++p, pixel += step, sums += vector) {
    for (int slice = 0; slice < vector && k + slice < stored; slice += lanes) {
      float* where = is_blocked ? y.image(n) + channel_offset(y.extent, k + slice) + pixel * channel_block : nullptr;
      result.store(load(sums + slice), k + slice, n, pixel, where);
    }
  }
}

/// Gives `result` the sums of a vector d of channels from k on, for the first `count` of `Pixels` pixels of an image,
/// `step` apart. Where y has no place for the vector, they are stored at once.
template <int Pixels, class D, class Result>
HWY_INLINE void put_sums(D d, const Result& result, const hn::Vec<D>* sum, const view<float>& y, int k, int n,
                         std::int64_t pixel, int step, int count = Pixels) {
  constexpr int vector = hn::MaxLanes(D{});
  if (has_vector(d, y, k)) {
    const auto clamped_sum = result.clamped_sum(d, k);
    float* to = y.image(n) + channel_offset(y.extent, k) + pixel * channel_block;
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p, to += step * channel_block) {
      if (p < count) { split_pixel(d, clamped_sum(sum[p]), to, y.extent.plane() * channel_block, result.put()); }
    }
    return;
  }
  if constexpr (vector > channel_block) {  // the last block of an odd number
    const hn::Half<D> half;
    if (has_vector(half, y, k)) {
      hn::Vec<hn::Half<D>> lower[Pixels];
#pragma GCC unroll 16
      for (int p = 0; p < Pixels; ++p) { lower[p] = hn::LowerHalf(half, sum[p]); }
      return put_sums<Pixels>(half, result, lower, y, k, n, pixel, step, count);
    }
  }
  alignas(64) float values[Pixels][vector];
#pragma GCC unroll 16
  for (int p = 0; p < Pixels; ++p) { hn::StoreU(sum[p], d, values[p]); }
  store_sums(result, values[0], vector, y, k, n, pixel, step, std::min(count, Pixels));
}

/// Finishes `count` pixels of an image that put_sums put.
template <class D, class Result>
void finish_sums(D d, const Result& result, const view<float>& y, int k, int n, std::int64_t pixel, int count,
                 int step) {
  if (!result.finishes()) { return; }
  if (has_vector(d, y, k)) {
    result.finish(d, k, n, pixel, count, step, y.image(n) + channel_offset(y.extent, k) + pixel * channel_block,
                  y.extent.plane() * channel_block);
  } else if constexpr (hn::MaxLanes(D{}) > channel_block) {
    finish_sums(hn::Half<D>{}, result, y, k, n, pixel, count, step);
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
