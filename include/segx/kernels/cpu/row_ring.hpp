#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/micro_kernel.hpp>
#include <segx/kernels/cpu/result.hpp>

/// Depthwise convolution: each channel has a kernel of its own. Lanes are channels, so a tap of a result costs one
/// multiplication of vectors; several neighbouring results are held in registers, that a weight is loaded once for all
/// of them. It reads its input from a ring of rows with zeros at both sides: no tap asks whether it is in the image,
/// and who fills the ring may as well compute the rows as copy them.
namespace segx::simd::HWY_NAMESPACE {

/// Channels of a pixel that lie together in a ring: a vector of AVX-512, else a block.
inline constexpr int ring_block = std::max(channel_block, column_lanes);

/// The last rows of some blocks of channels of x.
class row_ring {
 public:
  row_ring(const conv2d_geometry& g, shape x, shape y, int blocks, float* data)
      : size_{g, x, y}, padding_{g.padding}, height_{x.height}, blocks_{blocks}, data_{data} {
    std::fill(data, data + std::int64_t{size_.rows} * blocks * block_distance(), 0.0F);
  }

  int height() const { return height_; }  // of x
  int blocks() const { return blocks_; }
  std::int64_t block_distance() const { return std::int64_t{size_.width} * ring_block; }
  /// Where row h of x stands: `slot` counts rows within the ring.
  int slot(int h) const { return (h + padding_) % size_.rows; }
  /// From where a row stands to where the one `rows` further does.
  int after(int slot, int rows) const { return slot + rows < size_.rows ? slot + rows : slot + rows - size_.rows; }
  const float* row(int slot, int block) const {
    return data_ + (std::int64_t{slot} * blocks_ + block) * block_distance();
  }
  /// Pixel (h, w) of x, in its place of the ring.
  float* pixel(int h, int w, int block) const {
    return data_ + (std::int64_t{slot(h)} * blocks_ + block) * block_distance() + (w + padding_) * ring_block;
  }

 private:
  depthwise::ring size_;
  int padding_, height_, blocks_;
  float* data_;
};

/// Packed weights [⌈C/16⌉][taps][16].
struct depthwise_weights {
  const float* packed;
  int taps;

  /// Of channel k and those behind it.
  const float* first(int k) const { return packed + std::int64_t{k} / panel * taps * panel + k % panel; }
};

/// Row i of the results of the channels of one block of the ring, from k on. Where kernel and stride are constants and
/// taps lie close, the places of pixels and weights are known, too.
template <int Kernel, int Stride, class Result>
[[gnu::noinline]] void depthwise_row(const conv2d_geometry& g, const row_ring& ring, int block, int i,
                                     const depthwise_weights& weights, int n, int k, const view<float>& y,
                                     const Result& result) {
  constexpr bool is_fixed = Kernel > 0;
  const int kernel = is_fixed ? Kernel : g.kernel;
  const int dilation = is_fixed ? 1 : g.dilation;
  const std::int64_t step = std::int64_t{is_fixed ? Stride : g.stride} * ring_block;
  const std::int64_t first_pixel = std::int64_t{i} * y.extent.width;
  const int first_row = i * g.stride - g.padding;
  const int first_slot = ring.slot(first_row);
  const column_tag d;

  const auto results = [&]<int Pixels>(int j, int lane) SEGX_INLINED {
    column_vec sum[Pixels];
#pragma GCC unroll 8
    for (int p = 0; p < Pixels; ++p) { sum[p] = hn::Zero(d); }
    const float* weight = weights.first(k + lane);
    int slot = first_slot;
    for (int r = 0; r < kernel; ++r, slot = ring.after(slot, dilation)) {
      const int h = first_row + r * dilation;
      if (h < 0 || h >= ring.height()) {
        weight += kernel * panel;
        continue;
      }
      const float* from = ring.row(slot, block) + j * step + lane;
#pragma GCC unroll 5
      for (int s = 0; s < kernel; ++s, from += dilation * ring_block, weight += panel) {
        const column_vec w = hn::LoadU(d, weight);
#pragma GCC unroll 8
        for (int p = 0; p < Pixels; ++p) { sum[p] = hn::MulAdd(hn::LoadU(d, from + p * step), w, sum[p]); }
      }
    }
    put_sums<Pixels>(d, result, sum, y, k + lane, n, first_pixel + j, 1);
  };
  for (int lane = 0; lane < ring_block; lane += column_lanes) {
    int j = 0;
    for (; j + 8 <= y.extent.width; j += 8) { results.template operator()<8>(j, lane); }
    for (; j < y.extent.width; ++j) { results.template operator()<1>(j, lane); }
    finish_sums(d, result, y, k + lane, n, first_pixel, y.extent.width, 1);
  }
}

/// depthwise_row for a geometry: the kernels that networks have are constants.
template <class Result>
auto depthwise_row_of(const conv2d_geometry& g) {
  if (g.dilation == 1 && g.kernel == 3 && g.stride == 1) { return depthwise_row<3, 1, Result>; }
  if (g.dilation == 1 && g.kernel == 5 && g.stride == 1) { return depthwise_row<5, 1, Result>; }
  if (g.dilation == 1 && g.kernel == 3 && g.stride == 2) { return depthwise_row<3, 2, Result>; }
  if (g.dilation == 1 && g.kernel == 5 && g.stride == 2) { return depthwise_row<5, 2, Result>; }
  return depthwise_row<0, 0, Result>;
}

/// Rows [begin, end) of the results of the channels that the ring holds, the first of which is k in y; make_row(h) puts
/// row h of x into the ring, one after the other.
template <class MakeRow, class Result>
void depthwise_band(const conv2d_geometry& g, const row_ring& ring, int begin, int end, MakeRow&& make_row,
                    const depthwise_weights& weights, int n, int k, const view<float>& y, const Result& result) {
  const auto row = depthwise_row_of<Result>(g);
  int next = std::max(0, begin * g.stride - g.padding);
  for (int i = begin; i < end; ++i) {
    const int needed = std::min(ring.height(), i * g.stride - g.padding + g.reach());
    for (; next < needed; ++next) { make_row(next); }
    for (int block = 0; block < ring.blocks() && k + block * ring_block < y.extent.channels; ++block) {
      row(g, ring, block, i, weights, n, k + block * ring_block, y, result);
    }
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
