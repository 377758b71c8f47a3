#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

#include <segx/kernels/cpu/row_ring.hpp>
#include <segx/kernels/cpu/strips.hpp>

/// A 1×1 convolution to many channels and the depthwise convolution that reads them, as in MobileNet and EfficientNet:
/// what lies between, the largest tensor of its block, is computed row by row, a few channels at a time, and never
/// stored whole.
namespace segx::simd::HWY_NAMESPACE {

/// Channels that a ring holds, and the passes that fill it: one, where two vectors are a block of channels or more.
inline constexpr int ring_channels = std::max(pass_columns, ring_block);
inline constexpr int ring_passes = ring_channels / pass_columns;
static_assert(ring_channels <= depthwise::ring::channels);

/// Fills a ring with rows of a 1×1 convolution, the two vectors of channels from k and from second_k on; their
/// activation is left to do. Strips do not end with rows: the one that ends a row begins the next.
class expanded_rows {
 public:
  /// `strips` hold the pixels of x from row `first_row` on; `result` is where the convolution's result would go.
  expanded_rows(const row_ring& ring, const float* strips, shape x, int first_row, const panels<panel>& weights, int k,
                int second_k, const forward_result& result)
      : ring_{ring},
        strip_{strips},
        channels_{x.channels},
        width_{x.width},
        weights_{weights},
        k_{k},
        second_k_{second_k},
        result_{result},
        row_{first_row},
        left_{x.width},
        to_{place(first_row)} {}

  /// Row h of the ring; to be called for one row after the other.
  void operator()(int h) {
    while (row_ <= h) { take_strip(); }
  }

 private:
  /// Where row h of its channels begins.
  float* place(int h) const { return ring_.pixel(h, 0, 0) + k_ % ring_channels; }
  /// From the first vector of a pixel's channels to the second: in the same block, or some blocks on.
  std::int64_t second() const { return column_lanes / ring_block * ring_.block_distance() + column_lanes % ring_block; }

  HWY_INLINE void take_strip() {
    const column_tag d;
    column_vec sum[2][max_rows];
    multiply_strip<2>(strip_, channels_, weights_, k_, second_k_, sum[0], sum[1]);
    const auto first_sum = result_.clamped_sum(d, k_);
    const auto second_sum = result_.clamped_sum(d, second_k_);
#pragma GCC unroll 16
    for (int p = 0; p < max_rows; ++p) {
      hn::StoreU(first_sum(sum[0][p]), d, to_);
      hn::StoreU(second_sum(sum[1][p]), d, to_ + second());
      to_ += ring_block;
      if (--left_ == 0) {
        left_ = width_;
        to_ = place(++row_);
      }
    }
    strip_ += std::int64_t{max_rows} * detail::whole_blocks(channels_);
  }

  const row_ring& ring_;
  const float* strip_;
  int channels_, width_;
  panels<panel> weights_;
  int k_, second_k_;
  const forward_result& result_;
  int row_;    // that the next pixel is of
  int left_;   // pixels that it lacks
  float* to_;  // the next pixel's place
};

/// The depthwise convolution `f` of the result of the 1×1 convolution `expansion`.
[[gnu::noinline]] inline void grouped_conv2d_forward_streamed(cpu& on, const conv2d_geometry& g,
                                                              const forward_pass<float>& expansion,
                                                              const forward_pass<float>& f) {
  const view<const float>& x = expansion.x[0];
  const shape y = f.y.extent;
  const forward_result expanded{expansion, expansion.packed};
  const forward_result result{f, f.packed};
  const std::int64_t bias = detail::packed_bias_floats(y.channels);
  const panels<panel> expansion_weights{expansion.packed + bias, std::int64_t{panel} * x.extent.channels};
  const depthwise_weights weights{f.packed + bias, g.kernel * g.kernel};

  // A task is a band of rows, whose rows of x are strips in a cache; where bands are few, a part of its channels.
  const int rows_of_x = strips::rows_of_band(x.extent);
  const int most_rows = rows_of_x < x.extent.height ? (rows_of_x - g.reach()) / g.stride + 1 : y.height;
  const int bands = (y.height + most_rows - 1) / most_rows;
  const int rows = (y.height + bands - 1) / bands;
  const int columns = detail::whole_panels(y.channels);
  const int groups = (columns + ring_channels - 1) / ring_channels;
  const int wanted_tasks = on.threads.size() == 1 ? 1 : 4 * on.threads.size();
  const int parts = std::min((wanted_tasks + f.y.batch * bands - 1) / (f.y.batch * bands), groups);

  // The band that a thread has packed last: its next task mostly is of the same. (A 65th thread packs each time.)
  std::array<int, 64> band_of_strips;
  band_of_strips.fill(-1);
  on.threads.run(f.y.batch * bands * parts, [&](int task, int thread) {
    const int part = task % parts;
    const int band = task / parts;
    const int begin = band % bands * rows;
    const int end = std::min(begin + rows, y.height);
    const int n = band / bands;
    const row_ring ring{g, x.extent, y, ring_channels / ring_block, f.scratch.of(thread)};
    const int first_row = std::max(0, begin * g.stride - g.padding);
    const int end_row = std::min(x.extent.height, (end - 1) * g.stride - g.padding + g.reach());
    float* strips = f.scratch.of(thread) + depthwise::ring{g, x.extent, y}.floats();
    const bool is_packed = thread < std::ssize(band_of_strips) && band_of_strips[thread] == band;
    if (!is_packed) {
      pack_strips(x, n, std::int64_t{first_row} * x.extent.width, (end_row - first_row) * x.extent.width, nullptr,
                  strips);
      if (thread < std::ssize(band_of_strips)) { band_of_strips[thread] = band; }
    }
    for (int group = groups * part / parts; group < groups * (part + 1) / parts; ++group) {
      const int first_k = group * ring_channels;
      const auto pass = [&](int k) {
        const int second_k = std::min(k + column_lanes, columns - column_lanes);  // AVX-512: the first again, unread
        return expanded_rows{ring, strips, x.extent, first_row, expansion_weights, k, second_k, expanded};
      };
      auto passes = [&]<int... Pass>(std::integer_sequence<int, Pass...>) {
        return std::array{pass(first_k + Pass * pass_columns)...};
      }
      (std::make_integer_sequence<int, ring_passes>{});
      const auto make_row = [&](int h) {
        for (expanded_rows& rows_of_pass : passes) { rows_of_pass(h); }
        if (!expanded.finishes()) { return; }
        for (int block = 0; block < ring.blocks() && first_k + block * ring_block < y.channels; ++block) {
          expanded.finish_row<ring_block>(first_k + block * ring_block, n, std::int64_t{h} * x.extent.width,
                                          x.extent.width, ring.pixel(h, 0, block));
        }
      };
      depthwise_band(g, ring, begin, end, make_row, weights, n, first_k, f.y, result);
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
