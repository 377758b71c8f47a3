#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/micro_kernel.hpp>
#include <segx/kernels/cpu/winograd_weights.hpp>

/// 3×3 convolution by Winograd's minimal filtering F(tile×tile, 3×3): a tile of 4×4 results costs 36 multiplications
/// for each pair of channels instead of 144, one of 6×6 results 64 instead of 324; of every second pixel, a tile of 2×2
/// results costs 25 instead of 36 (strided_conv2d.hpp).
///
///   Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A     x: window² values around the tile, w: 3×3 weights, ⊙ summed over channels
///
/// Summing over channels makes each of the frequencies of ⊙ a matrix product [tiles × C] · [C × K]. Of stride 1, the
/// gradient dx is the same convolution of dy with w turned by 180°; that of the weights is in winograd_gradient.hpp.
///
/// Blocking: where weights are small, a task takes some tiles, few enough that their transformed values stay in the
/// second-level cache from the input transform through the products to the output transform. Where they are large, all
/// threads transform a group of many tiles, and a task makes some channels of their results, so that weights are read
/// once; so, too, where tiles are too few for all threads. Transforms go along rows of tiles, one vector of channels at
/// a time: pixels are read in order, what neighbours share is transformed once, and what is written lies together.
///
/// Weights are transformed once, when they are packed, or, to save memory, anew by each task.
///
/// Source: Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, arXiv:1509.09308.
namespace segx::simd::HWY_NAMESPACE {

/// Vectors of the transforms: one block of channels or a part of it; where vectors are longer, two blocks if there are
/// two (`Wide`).
template <bool Wide>
using transform_tag = hn::CappedTag<float, Wide ? 2 * channel_block : channel_block>;
inline constexpr bool has_wide_transforms = hn::MaxLanes(transform_tag<true>{}) > channel_block;

/// Calls body(tag, channel) for the channels [from, to), whole blocks, a vector at a time.
template <class Body>
HWY_INLINE void for_each_vector(int from, int to, Body&& body) {
  int c = from;
  if constexpr (has_wide_transforms) {
    for (; c + 2 * channel_block <= to; c += 2 * channel_block) { body(transform_tag<true>{}, c); }
  }
  for (; c < to; c += lanes) { body(transform_tag<false>{}, c); }
}

/// The tiles of a batch, numbered through images, rows and columns.
class tile_grid {
 public:
  tile_grid(wino::filter f, shape y, int batch)
      : tile_{f.tile},
        rows_{wino::tiles_along(f, y.height)},
        columns_{wino::tiles_along(f, y.width)},
        count_{batch * rows_ * columns_} {}

  int count() const { return count_; }

  /// Calls body(t − first, image, row, column, count) for the runs of tiles in [first, last) that stand side by side:
  /// where the first result of the first of them is, and how many they are.
  template <class Body>
  HWY_INLINE void visit(int first, int last, Body&& body) const {
    for (int t = first; t < last;) {
      const int column = t % columns_;
      const int row = t / columns_ % rows_;
      const int count = std::min(columns_ - column, last - t);
      body(t - first, t / columns_ / rows_, row * tile_, column * tile_, count);
      t += count;
    }
  }

 private:
  int tile_, rows_, columns_, count_;
};

/// Transformed values of some tiles, [rows of frequencies][⌈C/16⌉][tile][places(F)][16], columns of frequencies in
/// the places: what a transform reads and writes lies in a few pieces of some cache lines, and products find whole
/// lines at constant distances.
template <wino::filter F>
struct transformed {
  float* data;
  std::int64_t row_distance;    // of frequencies
  std::int64_t panel_distance;  // of channels

  static constexpr int window = wino::window(F);
  static constexpr int tile_distance = wino::places(F) * panel;

  transformed(float* memory, int tiles, int channels)
      : data{memory},
        row_distance{std::int64_t{wino::places(F)} * tiles * wino::rounded(channels, panel)},
        panel_distance{std::int64_t{tiles} * tile_distance} {}

  float* end() const { return data + window * row_distance; }
  /// Without the channels before c, the first of a panel.
  HWY_INLINE transformed from_channel(int c) const {
    transformed rest = *this;
    rest.data += c / panel * panel_distance;
    return rest;
  }
  HWY_INLINE float* frequency(int f) const { return data + f / window * row_distance + f % window * panel; }
  /// Frequency 0 of channel c, tile t.
  HWY_INLINE float* at(int c, int t) const { return data + c / panel * panel_distance + t * tile_distance + c % panel; }
  /// What puts a frequency of the tile at `to` into its place.
  template <class D>
  HWY_INLINE auto put(D d, float* to) const {
    return [d, to, distance = row_distance](hn::Vec<D> value, int row, int column)
               SEGX_INLINED { hn::StoreU(value, d, to + row * distance + column * panel); };
  }
};

/// Writes `transform` of `count` squares of Extent × Extent pixels from `to` on: the first begins at (row, column) of
/// the plane, the others a step further on each; around the plane are zeros.
///
/// Squares that reach beyond their step share columns with the next. A column is transformed once: a ring of two steps'
/// columns keeps what became of them, for the rows.
template <wino::filter F, int Extent, class D, class Transform>
HWY_INLINE void transform_squares(D d, Transform transform, const float* plane, shape x, int row, int column, int count,
                                  const transformed<F>& v, float* to) {
  constexpr int size = hn::MaxLanes(D{});
  constexpr int window = wino::window(F);
  constexpr int step = wino::step(F);
  constexpr int shared = Extent - step;
  constexpr int ring = 2 * step;
  alignas(64) float columns[window * ring * size];
  const std::int64_t line = std::int64_t{x.width} * channel_block;
  const std::int64_t block = x.plane() * channel_block;
  const int top = std::max(0, -row);
  const int bottom = std::min(Extent, x.height - row);

  const auto transform_column = [&](int s) SEGX_INLINED {
    const float* from = plane + row * line + std::int64_t{column + s} * channel_block;
    const bool inside = column + s >= 0 && column + s < x.width;
    const auto load_value = [&](int r) SEGX_INLINED { return load_pixel(d, from + r * line, block); };
    const auto keep = [&](auto value, int r)
                          SEGX_INLINED { hn::Store(value, d, columns + (r * ring + s % ring) * size); };
    if (inside && bottom - top == Extent) {
      transform_line<Extent, window>(d, transform, load_value, keep);
    } else {
      transform_line<Extent, window>(
          d, transform,
          [&](int r) SEGX_INLINED { return inside && r >= top && r < bottom ? load_value(r) : hn::Zero(d); }, keep);
    }
  };
#pragma GCC unroll 1
  for (int s = 0; s < shared; ++s) { transform_column(s); }
#pragma GCC unroll 1
  for (int t = 0; t < count; ++t, to += v.tile_distance) {
    const int begin = t * step;
#pragma GCC unroll 1
    for (int s = begin + shared; s < begin + Extent; ++s) { transform_column(s); }
    const float* first = columns + begin % ring * size;
    const float* second = columns + (begin + step) % ring * size;
    const auto put = v.put(d, to);
#pragma GCC unroll 1
    for (int r = 0; r < window; ++r, first += ring * size, second += ring * size) {
      transform_line<Extent, window>(
          d, transform,
          [&](int s) SEGX_INLINED { return hn::Load(d, s < step ? first + s * size : second + (s - step) * size); },
          [&](auto value, int s) SEGX_INLINED { put(value, r, s); });
    }
  }
}

/// `transform` of the squares of Extent × Extent pixels of tiles [first, last), which begin `padding` pixels before
/// them, channels [from, to) (whole blocks): Bᵀ x B of inputs, A dy Aᵀ of gradients.
template <wino::filter F, int Extent, class Transform>
[[gnu::noinline]] void transform_tiles(Transform transform, const view<const float>& x, int padding,
                                       const tile_grid& grid, int first, int last, int from, int to,
                                       const transformed<F>& v) {
  grid.visit(first, last, [&](int run, int image, int row, int column, int count) SEGX_INLINED {
    for_each_vector(from, to, [&](auto d, int c) SEGX_INLINED {
      transform_squares<F, Extent>(d, transform, x.image(image) + channel_offset(x.extent, c), x.extent,
                                   row * F.stride - padding, column * F.stride - padding, count, v,
                                   v.at(c - from, run));
    });
  });
}

/// Bᵀ x B.
template <wino::filter F>
void transform_inputs(const view<const float>& x, int padding, const tile_grid& grid, int first, int last, int from,
                      int to, const transformed<F>& v) {
  transform_tiles<F, wino::window(F)>(input_transform<F>{}, x, padding, grid, first, last, from, to, v);
}

/// How far ahead an output transform asks for the places of its results.
inline constexpr int tiles_ahead = 4;

/// Aᵀ m A of tiles [first, last) into channels [from, to) (whole blocks) of y; m begins with these.
template <wino::filter F, class Result>
[[gnu::noinline]] void transform_outputs(const transformed<F>& m, const tile_grid& grid, int first, int last, int from,
                                         int to, const view<float>& y, const Result& result) {
  const shape s = y.extent;
  const std::int64_t line = std::int64_t{s.width} * channel_block;
  const std::int64_t block_distance = s.plane() * channel_block;
  grid.visit(first, last, [&](int run, int image, int row, int column, int count) SEGX_INLINED {
    const int rows = std::min(F.tile, s.height - row);
    for_each_vector(from, to, [&](auto d, int k) SEGX_INLINED {
      const float* in = m.at(k - from, run);
      std::int64_t pixel = std::int64_t{row} * s.width + column;
      float* out = y.image(image) + channel_offset(s, k) + pixel * channel_block;
      const auto clamped_sum = result.clamped_sum(d, k);
      int columns = s.width - column;
      for (int t = 0; t < count;
           ++t, in += m.tile_distance, columns -= F.tile, pixel += F.tile, out += F.tile * channel_block) {
        const auto load_value = [&](int r, int c)
                                    SEGX_INLINED { return hn::LoadU(d, in + r * m.row_distance + c * panel); };
        for (int r = 0; r < rows; ++r) {
          ask_to_write<F.tile>(d, out + r * line + tiles_ahead * F.tile * channel_block, block_distance);
        }
        const auto put = [&](auto value, int r, int c) SEGX_INLINED {
          split_pixel(d, clamped_sum(value), out + r * line + c * channel_block, block_distance, result.put());
        };
        if (rows == F.tile && columns >= F.tile) {
          transform_square<wino::window(F), F.tile>(d, output_transform<F>{}, load_value, put);
        } else {
          hn::Vec<decltype(d)> tile[F.tile * F.tile];
          transform_square<wino::window(F), F.tile>(d, output_transform<F>{}, load_value,
                                                    [&](auto value, int r, int c)
                                                        SEGX_INLINED { tile[r * F.tile + c] = value; });
          for (int r = 0; r < rows; ++r) {
            for (int c = 0; c < std::min(F.tile, columns); ++c) { put(tile[r * F.tile + c], r, c); }
          }
        }
        if (result.finishes()) {
          for (int r = 0; r < rows; ++r) {
            result.finish(d, k, image, pixel + std::int64_t{r} * s.width, std::min(F.tile, columns), 1, out + r * line,
                          block_distance);
          }
        }
      }
    });
  });
}

/// m = v · weights, or is added to, for the first `tiles` tiles and `columns` channels. Transformed weights of a
/// frequency, [columns/16][depth][16], are `distance` floats apart.
template <wino::filter F>
[[gnu::noinline]] void multiply_frequencies(const transformed<F>& v, int tiles, int depth, const float* weights,
                                            std::int64_t distance, int columns, const transformed<F>& m,
                                            bool adds = false) {
  for (int f = 0; f < wino::frequencies(F); ++f) {
    matrix_product<max_rows>(pixels_by_channels<transformed<F>::tile_distance>{v.frequency(f), v.panel_distance}, tiles,
                             depth,
                             panels<panel>{weights + wino::weights_of(F, f) * distance, std::int64_t{panel} * depth},
                             columns, result_panels{m.frequency(f), m.tile_distance, m.panel_distance}, adds);
  }
}

/// How many channels ahead taps are asked for.
inline constexpr int taps_ahead = 4;

/// m = v · weights as above, of taps [columns/16][depth][9][16]: some of them are transformed into `memory`, and
/// multiplied, at a time.
template <wino::filter F>
[[gnu::noinline]] void multiply_transforming(const transformed<F>& v, int tiles, int depth, const float* taps,
                                             int columns, const transformed<F>& m, float* memory) {
  using wino::blocking;
  constexpr int floats = 9 * panel;  // of a channel
  for (int c = 0; c < depth; c += blocking::taps_depth) {
    const int count = std::min(blocking::taps_depth, depth - c);
    for (int k = 0; k < columns; k += blocking::taps_columns) {
      const int width = std::min(blocking::taps_columns, columns - k);
      float* to = memory;
      for (int j = k; j < k + width; j += panel) {
        const float* from = taps + (std::int64_t{j / panel} * depth + c) * floats;
        for (int i = 0; i < count; ++i, from += floats, to += panel) {
          for (int line = 0; line < floats; line += panel) { hwy::Prefetch(from + taps_ahead * floats + line); }
          transform_taps<F>(from, to, blocking::taps_distance);
        }
      }
      multiply_frequencies(v.from_channel(c), tiles, count, memory, blocking::taps_distance, width, m.from_channel(k),
                           c > 0);
    }
  }
}

/// Tiles of a task are a multiple of so many rows, a pass of the products; where there are 32 registers, four are
/// enough to hide the latency of an addition.
inline constexpr int even_rows = has_32_registers ? 4 : max_rows;

template <wino::filter F, class Result>
void convolve_tiles(thread_pool& threads, const wino::blocking& blocks, const view<const float>& x, int padding,
                    const float* packed, const view<float>& y, scratch_memory<float> scratch, const Result& result) {
  const tile_grid grid{F, y.extent, y.batch};
  const int depth = wino::rounded(x.extent.channels, channel_block);
  const int columns = wino::rounded(y.extent.channels, panel);
  const int stored = wino::rounded(y.extent.channels, channel_block);
  const int share = (grid.count() + threads.size() - 1) / threads.size();

  if (!blocks.shares_channels && share >= blocks.tiles / 2) {  // a task: some tiles from the input to the result
    const int tasks = (share + blocks.tiles - 1) / blocks.tiles * threads.size();
    const int passes = (grid.count() + even_rows - 1) / even_rows;
    const int step = (passes + tasks - 1) / tasks * even_rows;
    const auto begin_of = [&](int task) {  // all tasks as large, up to a pass
      return std::min(static_cast<int>(std::int64_t{passes} * task / tasks) * even_rows, grid.count());
    };
    threads.run(tasks, [&](int task, int thread) {
      const int first = begin_of(task);
      const int last = begin_of(task + 1);
      const transformed<F> v{scratch.of(thread), step, depth};
      const transformed<F> m{v.end(), step, columns};
      transform_inputs(x, padding, grid, first, last, 0, depth, v);
      multiply_frequencies(v, last - first, depth, packed, std::int64_t{columns} * depth, columns, m);
      transform_outputs(m, grid, first, last, 0, stored, y, result);
    });
    return;
  }
  // All threads transform the tiles of a group; then a task makes some channels of their results.
  const int width = std::min(blocks.columns, wino::rounded((columns + threads.size() - 1) / threads.size(), panel));
  const int groups = (grid.count() + blocks.tiles - 1) / blocks.tiles;
  const int step = std::min(blocks.tiles, wino::rounded((grid.count() + groups - 1) / groups, max_rows));
  const int part = wino::rounded((step + 4 * threads.size() - 1) / (4 * threads.size()), 4);
  const transformed<F> v{scratch.of(0), blocks.tiles, depth};
  for (int first = 0; first < grid.count(); first += step) {
    const int last = std::min(first + step, grid.count());
    threads.run((last - first + part - 1) / part, [&](int task, int) {
      const int from = first + task * part;
      transformed<F> here = v;
      here.data += task * part * v.tile_distance;
      transform_inputs(x, padding, grid, from, std::min(from + part, last), 0, depth, here);
    });
    threads.run((columns + width - 1) / width, [&](int task, int thread) {
      const int from = task * width;
      const int to = std::min(from + width, columns);
      const transformed<F> m{scratch.of(thread) + (v.end() - v.data), blocks.tiles, blocks.columns};
      if (blocks.keeps_taps) {
        const float* taps = packed + std::int64_t{from} * depth * 9;
        multiply_transforming(v, last - first, depth, taps, to - from, m, m.end());
      } else {
        const float* weights = packed + std::int64_t{from} * depth;
        multiply_frequencies(v, last - first, depth, weights, std::int64_t{columns} * depth, to - from, m);
      }
      transform_outputs(m, grid, first, last, from, std::min(to, stored), y, result);
    });
  }
}

/// y = result(convolution of x with the weights that winograd_pack packed for this blocking), of stride 1.
template <class Result>
void winograd_convolution(thread_pool& threads, const wino::blocking& blocks, const view<const float>& x, int padding,
                          const float* packed, const view<float>& y, scratch_memory<float> scratch,
                          const Result& result) {
  with_filter(blocks.of,
              [&]<wino::filter F>() { convolve_tiles<F>(threads, blocks, x, padding, packed, y, scratch, result); });
}

}  // namespace segx::simd::HWY_NAMESPACE
