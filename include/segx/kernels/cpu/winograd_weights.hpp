#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/micro_kernel.hpp>
#include <segx/kernels/cpu/thread_pool.hpp>
#include <segx/kernels/cpu/winograd_transforms.hpp>

/// The weights of winograd.hpp: packed as G w Gᵀ, [weights_along²][⌈K/16⌉][C][16], or as they are,
/// [⌈K/16⌉][C][9][16], where the tasks transform them.
namespace segx::simd::HWY_NAMESPACE {

/// Calls body<f>() for a filter of stride 1.
template <class Body>
HWY_INLINE void with_filter(wino::filter f, Body&& body) {
  if (f == wino::filter{6}) { return body.template operator()<wino::filter{6}>(); }
  body.template operator()<wino::filter{4}>();
}

/// 3×3 weights from input channel c to result k: nine values at weights + k · to_distance + c · from_distance.
struct weight_order {
  const float* weights;
  std::int64_t to_distance, from_distance;
  bool turned = false;  // by 180°
};

/// The taps of a block of channels from c on, [8][9][16] with the panel of results from k on; what is not there is
/// zero.
HWY_INLINE void gather_taps(const weight_order& order, int c, int channels_in, int k, int channels_out, float* taps) {
  if (channels_in - c < channel_block || channels_out - k < panel) {
    std::fill_n(taps, channel_block * 9 * panel, 0.0F);
  }
  for (int lane = 0; lane < std::min(panel, channels_out - k); ++lane) {
    const float* w = order.weights + (k + lane) * order.to_distance + c * order.from_distance;
    float* to = taps + lane;
    for (int i = 0; i < std::min(channel_block, channels_in - c); ++i, w += order.from_distance) {
      for (int tap = 0; tap < 9; ++tap, to += panel) { *to = w[order.turned ? 8 - tap : tap]; }
    }
  }
}

/// G w Gᵀ of the nine taps w, [9][16], of a channel of x and a panel: the first frequency is written to `to`, the
/// others `distance` floats further each; a cache line of each at once.
template <wino::filter F>
HWY_INLINE void transform_taps(const float* taps, float* to, std::int64_t distance) {
  const column_tag d;
  constexpr int along = wino::weights_along(F);
  alignas(64) float columns[along * 3 * panel];
#pragma GCC unroll 1
  for (int i = 0; i < 3 * panel; i += column_lanes) {
    transform_line<3, along>(
        d, weight_transform<F>{}, [&](int r) SEGX_INLINED { return hn::LoadU(d, taps + r * 3 * panel + i); },
        [&](column_vec v, int r) SEGX_INLINED { hn::Store(v, d, columns + r * 3 * panel + i); });
  }
#pragma GCC unroll 1
  for (int r = 0; r < along; ++r, to += along * distance) {
    for (int lane = 0; lane < panel; lane += column_lanes) {
      transform_line<3, along>(
          d, weight_transform<F>{},
          [&](int s) SEGX_INLINED { return hn::Load(d, columns + (r * 3 + s) * panel + lane); },
          [&](column_vec v, int s) SEGX_INLINED { hn::StoreU(v, d, to + s * distance + lane); });
    }
  }
}

/// Packs the weights of every pair of channels, as G w Gᵀ or as they are.
template <wino::filter F>
void winograd_pack(thread_pool& threads, const wino::blocking& blocks, int channels_in, int channels_out,
                   const weight_order& order, float* packed) {
  constexpr int floats = 9 * panel;  // of a channel
  const int depth = wino::rounded(channels_in, channel_block);
  const int columns = wino::rounded(channels_out, panel);
  threads.run(columns / panel, [&](int task, int) {
    const int first = task * panel;
    alignas(64) float taps[channel_block * floats];
    for (int c = 0; c < depth; c += channel_block) {
      const std::int64_t place = std::int64_t{first} * depth + c * panel;
      if (blocks.keeps_taps) {
        gather_taps(order, c, channels_in, first, channels_out, packed + 9 * place);
        continue;
      }
      gather_taps(order, c, channels_in, first, channels_out, taps);
      for (int i = 0; i < channel_block; ++i) {
        transform_taps<F>(taps + i * floats, packed + place + i * panel, std::int64_t{columns} * depth);
      }
    }
  });
}

inline void winograd_pack(thread_pool& threads, const wino::blocking& blocks, int channels_in, int channels_out,
                          const weight_order& order, float* packed) {
  with_filter(blocks.of,
              [&]<wino::filter F>() { winograd_pack<F>(threads, blocks, channels_in, channels_out, order, packed); });
}

}  // namespace segx::simd::HWY_NAMESPACE
