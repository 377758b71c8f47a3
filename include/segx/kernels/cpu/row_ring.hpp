#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/simd.hpp>

/// Depthwise convolution: each channel has a kernel of its own. Lanes are channels, so a tap of a result costs one
/// multiplication of vectors; several neighbouring results are held in registers, that a weight is loaded once for all
/// of them. It reads its input from a ring of rows with zeros at both sides: no tap asks whether it is in the image,
/// and who fills the ring may as well compute the rows as copy them.
namespace segx::simd::HWY_NAMESPACE {

/// The last rows of some blocks of channels of x.
class row_ring {
 public:
  row_ring(const conv2d_geometry& g, shape x, shape y, int blocks, float* data)
      : size_{g, x, y}, padding_{g.padding}, height_{x.height}, blocks_{blocks}, data_{data} {
    std::fill(data, data + std::int64_t{size_.rows} * blocks * block_distance(), 0.0F);
  }

  int height() const { return height_; }  // of x
  int blocks() const { return blocks_; }
  std::int64_t block_distance() const { return std::int64_t{size_.width} * channel_block; }
  /// Where row h of x stands: `slot` counts rows within the ring.
  int slot(int h) const { return (h + padding_) % size_.rows; }
  /// From where a row stands to where the one `rows` further does.
  int after(int slot, int rows) const { return slot + rows < size_.rows ? slot + rows : slot + rows - size_.rows; }
  const float* row(int slot, int block) const {
    return data_ + (std::int64_t{slot} * blocks_ + block) * block_distance();
  }
  /// Pixel (h, w) of x, in its place of the ring.
  float* pixel(int h, int w, int block) const {
    return data_ + (std::int64_t{slot(h)} * blocks_ + block) * block_distance() + (w + padding_) * channel_block;
  }

 private:
  depthwise::ring size_;
  int padding_, height_, blocks_;
  float* data_;
};

/// Packed weights [⌈C/8⌉][taps][8]; `turned`: kernels are turned by 180°.
struct depthwise_weights {
  const float* packed;
  int taps;
  bool turned;

  const float* first(int block) const {
    return packed + (std::int64_t{block} * taps + (turned ? taps - 1 : 0)) * channel_block;
  }
  int step() const { return turned ? -channel_block : channel_block; }
};

/// Row i of the results of one block of channels, `of_ring` in the ring and `block` in y.
template <class Result>
HWY_INLINE void depthwise_row(const conv2d_geometry& g, const row_ring& ring, int of_ring, int i,
                              const depthwise_weights& weights, int n, int block, const view<float>& y,
                              const Result& result) {
  const std::int64_t first_pixel = std::int64_t{i} * y.extent.width;
  float* row_of_y = y.image(n) + (block * y.extent.plane() + first_pixel) * channel_block;
  const std::int64_t step = std::int64_t{g.stride} * channel_block;
  const int first_row = i * g.stride - g.padding;
  const int first_slot = ring.slot(first_row);

  const auto results = [&]<int Pixels>(int j, int slice) SEGX_INLINED {
    vec sum[Pixels];
#pragma GCC unroll 8
    for (int p = 0; p < Pixels; ++p) { sum[p] = zero(); }
    const float* weight = weights.first(block) + slice;
    int slot = first_slot;
    for (int r = 0; r < g.kernel; ++r, slot = ring.after(slot, g.dilation)) {
      const int h = first_row + r * g.dilation;
      if (h < 0 || h >= ring.height()) {
        weight += g.kernel * weights.step();
        continue;
      }
      const float* from = ring.row(slot, of_ring) + j * step + slice;
      for (int s = 0; s < g.kernel; ++s, from += g.dilation * channel_block, weight += weights.step()) {
        const vec w = load(weight);
#pragma GCC unroll 8
        for (int p = 0; p < Pixels; ++p) { sum[p] = hn::MulAdd(load(from + p * step), w, sum[p]); }
      }
    }
    const auto clamped_sum = result.clamped_sum(tag{}, block * channel_block + slice);
#pragma GCC unroll 8
    for (int p = 0; p < Pixels; ++p) {
      result.put()(clamped_sum(sum[p]), 0, row_of_y + (j + p) * channel_block + slice);
    }
  };
  for (int slice = 0; slice < channel_block; slice += lanes) {
    int j = 0;
    for (; j + 8 <= y.extent.width; j += 8) { results.template operator()<8>(j, slice); }
    for (; j < y.extent.width; ++j) { results.template operator()<1>(j, slice); }
    if (!result.finishes()) { continue; }
    result.finish(tag{}, block * channel_block + slice, n, first_pixel, y.extent.width, 1, row_of_y + slice, 0);
  }
}

/// Rows [begin, end) of the results of the blocks of channels that the ring holds, the first of which is `block` in y;
/// make_row(h) puts row h of x into the ring, one after the other.
template <class MakeRow, class Result>
void depthwise_band(const conv2d_geometry& g, const row_ring& ring, int begin, int end, MakeRow&& make_row,
                    const depthwise_weights& weights, int n, int block, const view<float>& y, const Result& result) {
  int next = std::max(0, begin * g.stride - g.padding);
  for (int i = begin; i < end; ++i) {
    const int needed = std::min(ring.height(), i * g.stride - g.padding + g.reach());
    for (; next < needed; ++next) { make_row(next); }
    for (int b = 0; b < ring.blocks() && (block + b) * channel_block < y.extent.channels; ++b) {
      depthwise_row(g, ring, b, i, weights, n, block + b, y, result);
    }
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
