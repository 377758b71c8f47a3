#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/micro_kernel.hpp>
#include <segx/kernels/cpu/result.hpp>

/// Convolution with 1×1 kernels as a product of matrices: pixels by channels times channels by channels. Blocks of
/// channels are a plane apart, often a power of two: they would meet in one set of the cache. So a task first copies
/// its pixels into strips, one behind the other: [strip][⌈C/8⌉][pixel of the strip][8].
namespace segx::simd::HWY_NAMESPACE {

static_assert(strips::whole_strips % max_rows == 0);

/// Pixels [first, first + count) of x into strips; channel c times factors[c] where there are factors. Block after
/// block: what is read lies in a row.
[[gnu::noinline]] inline void pack_strips(const view<const float>& x, int n, std::int64_t first, int count,
                                          const float* factors, float* strips) {
  const std::int64_t strip_floats = std::int64_t{max_rows} * detail::whole_blocks(x.extent.channels);
  for (int c = 0; c < x.extent.channels; c += channel_block, strips += max_rows * channel_block) {
    const float* from = x.image(n) + channel_offset(x.extent, c) + first * channel_block;
    float* to = strips;
    for (int left = count; left > 0; left -= max_rows, from += max_rows * channel_block, to += strip_floats) {
      const int floats = std::min(max_rows, left) * channel_block;
      if (factors == nullptr) {
        std::copy(from, from + floats, to);
        continue;
      }
      for (int slice = 0; slice < channel_block; slice += lanes) {
        const vec factor = load(factors + c + slice);
        for (int f = slice; f < floats; f += channel_block) { store(hn::Mul(load(from + f), factor), to + f); }
      }
    }
  }
}

/// sum[vector][pixel] = Σ_c strip[pixel, c] · weights[c][…] for the vectors of columns that begin at k and `second`.
template <int Vectors>
HWY_INLINE void multiply_strip(const float* strip, int channels, const panels<panel>& weights, int k, int second,
                               column_vec* sum0, column_vec* sum1) {
#pragma GCC unroll 16
  for (int p = 0; p < max_rows; ++p) { sum0[p] = sum1[p] = hn::Zero(column_tag{}); }
  const float* w0 = weights.column(k);
  const float* w1 = weights.column(second);
  for (int c = 0; c < channels; c += channel_block, strip += max_rows * channel_block) {
    accumulate<max_rows, Vectors, false>(strip, fixed<channel_block>{}, fixed<1>{},
                                         std::min(channel_block, channels - c), w0, w1, fixed<panel>{}, 0, sum0, sum1);
  }
}

/// Asks for what pack_strips will copy into the strip of pixel `first`, while there is something else to do.
HWY_INLINE void ask_for_strip(const view<const float>& x, int n, std::int64_t first) {
  constexpr int floats_of_line = 16;
  for (int c = 0; c < x.extent.channels; c += channel_block) {
    const float* from = x.image(n) + channel_offset(x.extent, c) + first * channel_block;
    for (int f = 0; f < max_rows * channel_block; f += floats_of_line) { __builtin_prefetch(from + f, 0, 2); }
  }
}

/// Pixels [first, first + count) of image n of y from strips of as many pixels of x. Where `next` is one, asks for the
/// pixels of its image n from `next_first` on, which are copied next.
[[gnu::noinline]] inline void multiply_strips(const float* strips, int channels, const panels<panel>& weights,
                                              const view<float>& y, int n, std::int64_t first, int count,
                                              const forward_result& result, const view<const float>* next = nullptr,
                                              std::int64_t next_first = 0) {
  const std::int64_t strip_floats = std::int64_t{max_rows} * detail::whole_blocks(channels);
  for_each_pass(detail::whole_blocks(y.extent.channels), [&]<int Vectors>(int k) {
    column_vec sum[2][max_rows];
    const float* strip = strips;
    for (int p = 0; p < count; p += max_rows, strip += strip_floats) {
      if (k == 0 && next != nullptr) { ask_for_strip(*next, n, next_first + p); }
      multiply_strip<Vectors>(strip, channels, weights, k, k + (Vectors - 1) * column_lanes, sum[0], sum[1]);
#pragma GCC unroll 2
      for (int half = 0; half < Vectors; ++half) {
        put_sums<max_rows>(column_tag{}, result, sum[half], y, k + half * column_lanes, n, first + p, 1, count - p);
      }
    }
    for (int half = 0; half < Vectors; ++half) {
      finish_sums(column_tag{}, result, y, k + half * column_lanes, n, first, count, 1);
    }
  });
}

/// Calls body(image, first, count, thread) for the pixels of a batch, in tasks of `of_task` that follow each other.
template <class Body>
void for_each_run_of_pixels(thread_pool& threads, int batch, int pixels, int of_task, Body&& body) {
  const int tasks = (pixels + of_task - 1) / of_task;
  threads.run(batch * tasks, [&](int task, int thread) {
    const int first = task % tasks * of_task;
    body(task / tasks, first, std::min(of_task, pixels - first), thread);
  });
}

/// y = 1×1 convolution of x, whose channels are multiplied by `factors` [N,C,1,1] first, if there are some; both
/// blocked.
inline void strip_convolution(thread_pool& threads, const view<const float>& x, const view<const float>& factors,
                              const float* packed, const view<float>& y, const scratch_memory<float>& scratch,
                              const forward_result& result) {
  const int channels = x.extent.channels;
  const int pixels = static_cast<int>(x.extent.plane());
  const int of_task = strips::pixels_of_task(channels);
  const panels<panel> weights{packed, std::int64_t{panel} * channels};
  for_each_run_of_pixels(threads, y.batch, pixels, of_task, [&](int n, int first, int count, int thread) {
    const int next = first + of_task;  // of the task that this thread mostly takes next
    float* strips = scratch.of(thread);
    pack_strips(x, n, first, count, factors ? factors.image(n) : nullptr, strips);
    multiply_strips(strips, channels, weights, y, n, first, count, result, next < pixels ? &x : nullptr, next);
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
