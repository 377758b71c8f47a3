#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/strips.hpp>

/// Convolution with 1×1 kernels of blocked x to a plain y of a few channels, as at the end of a network: sums along the
/// lanes. `weights`: [K][C in whole blocks].
namespace segx::simd::HWY_NAMESPACE {

/// Pixels [first, first + count) of y; in x, whose image n begins at `from`, blocks of channels are `distance` apart.
HWY_INLINE void dot_pixels(const float* from, std::int64_t distance, int channels, const float* weights, int n,
                           std::int64_t first, int count, const view<float>& y, const forward_result& result) {
  for (int k = 0; k < y.extent.channels; ++k, weights += detail::whole_blocks(channels)) {
    const auto sum_of = [&](int p) SEGX_INLINED {
      const float* pixel = from + p * channel_block;
      vec sum = zero();
      for (int c = 0; c < channels; c += channel_block, pixel += distance) {
        for (int slice = 0; slice < channel_block; slice += lanes) {
          sum = hn::MulAdd(load(pixel + slice), load(weights + c + slice), sum);
        }
      }
      return hn::GetLane(hn::SumOfLanes(tag{}, sum));
    };
    float sums[lanes];
    for (int p = 0; p < count; p += lanes) {
      const int left = std::min(lanes, count - p);
      for (int lane = 0; lane < left; ++lane) { sums[lane] = sum_of(p + lane); }
      result.store_pixels(sums, left, k, n, first + p);
    }
  }
}

inline void dot_convolution(thread_pool& threads, const view<const float>& x, const float* weights,
                            const view<float>& y, const forward_result& result) {
  threads.run(y.batch * y.extent.height, [&](int task, int) {
    const int n = task / y.extent.height;
    const std::int64_t first = std::int64_t{task % y.extent.height} * y.extent.width;
    dot_pixels(x.image(n) + first * channel_block, x.extent.plane() * channel_block, x.extent.channels, weights, n,
               first, y.extent.width, y, result);
  });
}

/// The same of the result of another 1×1 convolution, `made`, which is never stored whole: a task computes the channels
/// of some pixels, and reads them from the cache.
[[gnu::noinline]] inline void dot_convolution_streamed(thread_pool& threads, const forward_pass<float>& made,
                                                       const float* weights, const forward_pass<float>& f,
                                                       const forward_result& result) {
  const view<const float>& x = made.x[0];
  const shape between = made.y.extent;
  const forward_result made_result{made, made.packed};
  const panels<panel> made_weights{made.packed + detail::packed_bias_floats(between.channels),
                                   std::int64_t{panel} * x.extent.channels};
  const int pixels = static_cast<int>(x.extent.plane());
  const int of_task = strips::pixels_streamed(x.extent, between.channels);
  for_each_run_of_pixels(threads, f.y.batch, pixels, of_task, [&](int n, int first, int count, int thread) {
    float* values = f.scratch.of(thread);
    float* strips = values + strips::floats_streamed(between.channels);
    pack_strips(x, n, first, count, nullptr, strips);
    // Of every image, as many pixels, of which the first has the number `first`.
    const view<float> some{values - first * channel_block, f.y.batch, 0, {between.channels, 1, count}};
    multiply_strips(strips, x.extent.channels, made_weights, some, n, first, count, made_result);
    dot_pixels(values, std::int64_t{count} * channel_block, between.channels, weights, n, first, count, f.y, result);
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
