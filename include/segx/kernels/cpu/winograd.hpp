#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/micro_kernel.hpp>

/// 3×3 convolution of stride 1 by Winograd's minimal filtering F(4×4, 3×3): a tile of 4×4 results costs 36
/// multiplications for each pair of channels instead of 144.
///
///   Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A         x: 6×6 values around the tile, w: 3×3 weights, ⊙ summed over channels
///
/// Summing over channels makes each of the 36 frequencies of ⊙ a matrix product [tiles × C] · [C × K]. The backward
/// passes are the transposed maps: dx is the same convolution of dy with w turned by 180°, and
///
///   dw = Gᵀ [ Σ_tiles (Bᵀ x B) ⊙ (A dy Aᵀ) ] G   is 36 products [C × tiles] · [tiles × K].
///
/// Blocking: where weights are small, a task takes some tiles, few enough that their transformed values stay in the
/// second-level cache from the input transform through the products to the output transform. Where they are large, all
/// threads transform a group of many tiles, and a task makes some channels of their results, so that weights are read
/// once; so, too, where tiles are too few for all threads. Transforms go along rows of tiles, one vector of channels at
/// a time: pixels are read in order, what neighbours share is transformed once, and what is written lies together.
///
/// Source: Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, arXiv:1509.09308.
namespace segx::simd::HWY_NAMESPACE {

namespace wino = segx::winograd;

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

/// Bᵀ d: six values to six.
struct input_transform {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* x, V* o) const {
    const V four = hn::Set(d, 4), minus5 = hn::Set(d, -5), two = hn::Set(d, 2);
    o[0] = hn::MulAdd(four, x[0], hn::MulAdd(minus5, x[2], x[4]));
    const V a = hn::NegMulAdd(four, x[2], x[4]);
    const V b = hn::NegMulAdd(four, x[1], x[3]);
    o[1] = hn::Add(a, b);
    o[2] = hn::Sub(a, b);
    const V c = hn::Sub(x[4], x[2]);
    const V e = hn::Sub(x[3], x[1]);
    o[3] = hn::MulAdd(two, e, c);
    o[4] = hn::NegMulAdd(two, e, c);
    o[5] = hn::MulAdd(four, x[1], hn::MulAdd(minus5, x[3], x[5]));
  }
};

/// Aᵀ m: six values to four.
struct output_transform {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* m, V* o) const {
    const V s = hn::Add(m[1], m[2]), t = hn::Sub(m[1], m[2]), s2 = hn::Add(m[3], m[4]), t2 = hn::Sub(m[3], m[4]);
    o[0] = hn::Add(m[0], hn::Add(s, s2));
    o[1] = hn::MulAdd(hn::Set(d, 2), t2, t);
    o[2] = hn::MulAdd(hn::Set(d, 4), s2, s);
    o[3] = hn::Add(m[5], hn::MulAdd(hn::Set(d, 8), t2, t));
  }
};

/// A y: four values to six, the transpose of output_transform.
struct output_transform_transposed {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* y, V* o) const {
    const V s = hn::Add(y[0], y[2]), t = hn::Add(y[1], y[3]);
    const V s2 = hn::MulAdd(hn::Set(d, 4), y[2], y[0]);
    const V t2 = hn::MulAdd(hn::Set(d, 8), y[3], hn::Add(y[1], y[1]));
    o[0] = y[0];
    o[1] = hn::Add(s, t);
    o[2] = hn::Sub(s, t);
    o[3] = hn::Add(s2, t2);
    o[4] = hn::Sub(s2, t2);
    o[5] = y[3];
  }
};

/// Gᵀ u: six values to three.
struct weight_transform_transposed {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* u, V* o) const {
    const V s = hn::Add(u[1], u[2]), t = hn::Sub(u[2], u[1]), s2 = hn::Add(u[3], u[4]), t2 = hn::Sub(u[3], u[4]);
    const V sixth = hn::Set(d, 1.0F / 6), minus_sixth = hn::Set(d, -1.0F / 6);
    const V twelfth = hn::Set(d, 1.0F / 12);
    o[0] = hn::MulAdd(hn::Set(d, 1.0F / 4), u[0], hn::MulAdd(minus_sixth, s, hn::Mul(hn::Set(d, 1.0F / 24), s2)));
    o[1] = hn::MulAdd(sixth, t, hn::Mul(twelfth, t2));
    o[2] = hn::MulAdd(minus_sixth, s, hn::MulAdd(sixth, s2, u[5]));
  }
};

/// transform of load(0), load(1) … load(In − 1) to store(v, 0) … store(v, Out − 1).
template <int In, int Out, class D, class Transform, class Load, class Store>
HWY_INLINE void transform_line(D d, Transform transform, Load&& load_value, Store&& store_value) {
  hn::Vec<D> in[In];
  hn::Vec<D> out[Out];
#pragma GCC unroll 6
  for (int i = 0; i < In; ++i) { in[i] = load_value(i); }
  transform(d, in, out);
#pragma GCC unroll 6
  for (int i = 0; i < Out; ++i) { store_value(out[i], i); }
}

/// A transform of the columns and then the rows of In × In values to Out × Out: load(row, column), store(v, row,
/// column). The loops stay loops, and what is between the two is in memory: unrolled, they are more values than a
/// compiler can keep in registers, or in order.
template <int In, int Out, class D, class Transform, class Load, class Store>
HWY_INLINE void transform_square(D d, Transform transform, Load&& load_value, Store&& store_value) {
  constexpr int size = hn::MaxLanes(D{});
  alignas(64) float half[Out * In * size];
#pragma GCC unroll 1
  for (int s = 0; s < In; ++s) {
    transform_line<In, Out>(
        d, transform, [&](int r) SEGX_INLINED { return load_value(r, s); },
        [&](auto v, int r) SEGX_INLINED { hn::Store(v, d, half + (r * In + s) * size); });
  }
#pragma GCC unroll 1
  for (int r = 0; r < Out; ++r) {
    transform_line<In, Out>(
        d, transform, [&](int s) SEGX_INLINED { return hn::Load(d, half + (r * In + s) * size); },
        [&](auto v, int s) SEGX_INLINED { store_value(v, r, s); });
  }
}

/// The tiles of a batch, numbered through images, rows and columns.
class tile_grid {
 public:
  tile_grid(shape y, int batch)
      : rows_{(y.height + wino::tile - 1) / wino::tile},
        columns_{(y.width + wino::tile - 1) / wino::tile},
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
      body(t - first, t / columns_ / rows_, row * wino::tile, column * wino::tile, count);
      t += count;
    }
  }

 private:
  int rows_, columns_, count_;
};

/// Transformed values of some tiles, [6 rows of frequencies][⌈C/16⌉][tile][6 columns of frequencies][16]: what a
/// transform reads and writes lies in six pieces of a few cache lines, and products find whole lines at constant
/// distances.
struct transformed {
  float* data;
  std::int64_t row_distance;    // of frequencies
  std::int64_t panel_distance;  // of channels

  static constexpr int tile_distance = wino::window * panel;

  transformed(float* memory, int tiles, int channels)
      : data{memory},
        row_distance{std::int64_t{wino::window} * tiles * wino::rounded(channels, panel)},
        panel_distance{std::int64_t{tiles} * tile_distance} {}

  float* end() const { return data + wino::window * row_distance; }
  HWY_INLINE float* frequency(int f) const { return data + f / wino::window * row_distance + f % wino::window * panel; }
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
/// the plane, the others a tile's columns further on each; around the plane are zeros.
///
/// Squares of 6×6 share two columns with the next. A column is transformed once: a ring of two tiles' columns keeps
/// what became of them, for the rows.
template <int Extent, class D, class Transform>
HWY_INLINE void transform_squares(D d, Transform transform, const float* plane, shape x, int row, int column, int count,
                                  const transformed& v, float* to) {
  constexpr int size = hn::MaxLanes(D{});
  constexpr int shared = Extent - wino::tile;
  constexpr int ring = 2 * wino::tile;
  alignas(64) float columns[wino::window * ring * size];
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
      transform_line<Extent, wino::window>(d, transform, load_value, keep);
    } else {
      transform_line<Extent, wino::window>(
          d, transform,
          [&](int r) SEGX_INLINED { return inside && r >= top && r < bottom ? load_value(r) : hn::Zero(d); }, keep);
    }
  };
#pragma GCC unroll 1
  for (int s = 0; s < shared; ++s) { transform_column(s); }
#pragma GCC unroll 1
  for (int t = 0; t < count; ++t, to += v.tile_distance) {
    const int begin = t * wino::tile;
#pragma GCC unroll 1
    for (int s = begin + shared; s < begin + Extent; ++s) { transform_column(s); }
    const float* first = columns + begin % ring * size;
    const float* second = columns + (begin + wino::tile) % ring * size;
    const auto put = v.put(d, to);
#pragma GCC unroll 1
    for (int r = 0; r < wino::window; ++r, first += ring * size, second += ring * size) {
      transform_line<Extent, wino::window>(
          d, transform,
          [&](int s) SEGX_INLINED {
            return hn::Load(d, s < wino::tile ? first + s * size : second + (s - wino::tile) * size);
          },
          [&](auto value, int s) SEGX_INLINED { put(value, r, s); });
    }
  }
}

/// `transform` of the squares of Extent × Extent pixels of tiles [first, last), which begin `padding` pixels before
/// them, channels [from, to) (whole blocks): Bᵀ x B of inputs, A dy Aᵀ of gradients.
template <int Extent, class Transform>
[[gnu::noinline]] void transform_tiles(Transform transform, const view<const float>& x, int padding,
                                       const tile_grid& grid, int first, int last, int from, int to,
                                       const transformed& v) {
  grid.visit(first, last, [&](int run, int image, int row, int column, int count) SEGX_INLINED {
    for_each_vector(from, to, [&](auto d, int c) SEGX_INLINED {
      transform_squares<Extent>(d, transform, x.image(image) + channel_offset(x.extent, c), x.extent, row - padding,
                                column - padding, count, v, v.at(c - from, run));
    });
  });
}

/// Bᵀ x B.
inline void transform_inputs(const view<const float>& x, int padding, const tile_grid& grid, int first, int last,
                             int from, int to, const transformed& v) {
  transform_tiles<wino::window>(input_transform{}, x, padding, grid, first, last, from, to, v);
}

/// How far ahead an output transform asks for the places of its results.
inline constexpr int tiles_ahead = 4;

/// Aᵀ m A of tiles [first, last) into channels [from, to) (whole blocks) of y; m begins with these.
template <class Result>
[[gnu::noinline]] void transform_outputs(const transformed& m, const tile_grid& grid, int first, int last, int from,
                                         int to, const view<float>& y, const Result& result) {
  const shape s = y.extent;
  const std::int64_t line = std::int64_t{s.width} * channel_block;
  const std::int64_t block_distance = s.plane() * channel_block;
  grid.visit(first, last, [&](int run, int image, int row, int column, int count) SEGX_INLINED {
    const int rows = std::min(wino::tile, s.height - row);
    for_each_vector(from, to, [&](auto d, int k) SEGX_INLINED {
      const float* in = m.at(k - from, run);
      std::int64_t pixel = std::int64_t{row} * s.width + column;
      float* out = y.image(image) + channel_offset(s, k) + pixel * channel_block;
      const auto clamped_sum = result.clamped_sum(d, k);
      int columns = s.width - column;
      for (int t = 0; t < count;
           ++t, in += m.tile_distance, columns -= wino::tile, pixel += wino::tile, out += wino::tile * channel_block) {
        const auto load_value = [&](int r, int c)
                                    SEGX_INLINED { return hn::LoadU(d, in + r * m.row_distance + c * panel); };
        for (int r = 0; r < rows; ++r) {
          ask_to_write<wino::tile>(d, out + r * line + tiles_ahead * wino::tile * channel_block, block_distance);
        }
        const auto put = [&](auto value, int r, int c) SEGX_INLINED {
          split_pixel(d, clamped_sum(value), out + r * line + c * channel_block, block_distance, result.put());
        };
        if (rows == wino::tile && columns >= wino::tile) {
          transform_square<6, 4>(d, output_transform{}, load_value, put);
        } else {
          hn::Vec<decltype(d)> tile[wino::tile * wino::tile];
          transform_square<6, 4>(d, output_transform{}, load_value,
                                 [&](auto value, int r, int c) SEGX_INLINED { tile[r * wino::tile + c] = value; });
          for (int r = 0; r < rows; ++r) {
            for (int c = 0; c < std::min(wino::tile, columns); ++c) { put(tile[r * wino::tile + c], r, c); }
          }
        }
        if (result.finishes()) {
          for (int r = 0; r < rows; ++r) {
            result.finish(d, k, image, pixel + std::int64_t{r} * s.width, std::min(wino::tile, columns), 1,
                          out + r * line, block_distance);
          }
        }
      }
    });
  });
}

/// m = v · packed weights for the first `tiles` tiles and `columns` channels from `from` on; m begins with these.
[[gnu::noinline]] inline void multiply_frequencies(const transformed& v, int tiles, int depth, const float* packed,
                                                   int all_columns, int from, int columns, const transformed& m) {
  for (int f = 0; f < wino::frequencies; ++f) {
    matrix_product<max_rows>(
        pixels_by_channels<transformed::tile_distance>{v.frequency(f), v.panel_distance}, tiles, depth,
        panels<panel>{packed + (std::int64_t{f} * all_columns + from) * depth, std::int64_t{panel} * depth}, columns,
        result_panels{m.frequency(f), m.tile_distance, m.panel_distance}, false);
  }
}

/// Tiles of a task are a multiple of so many rows, a pass of the products; where there are 32 registers, four are
/// enough to hide the latency of an addition.
inline constexpr int even_rows = has_32_registers ? 4 : max_rows;

/// y = result(convolution of x with the packed weights).
template <class Result>
void winograd_convolution(thread_pool& threads, const view<const float>& x, int padding, const float* packed,
                          const view<float>& y, scratch_memory<float> scratch, const Result& result) {
  const tile_grid grid{y.extent, y.batch};
  const wino::blocking blocks{x.extent, y.extent};
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
      const transformed v{scratch.of(thread), step, depth};
      const transformed m{v.end(), step, columns};
      transform_inputs(x, padding, grid, first, last, 0, depth, v);
      multiply_frequencies(v, last - first, depth, packed, columns, 0, columns, m);
      transform_outputs(m, grid, first, last, 0, stored, y, result);
    });
    return;
  }
  // All threads transform the tiles of a group; then a task makes some channels of their results.
  const int width = std::min(blocks.columns, wino::rounded((columns + threads.size() - 1) / threads.size(), panel));
  const int groups = (grid.count() + blocks.tiles - 1) / blocks.tiles;
  const int step = std::min(blocks.tiles, wino::rounded((grid.count() + groups - 1) / groups, max_rows));
  const int part = wino::rounded((step + 4 * threads.size() - 1) / (4 * threads.size()), 4);
  const transformed v{scratch.of(0), blocks.tiles, depth};
  for (int first = 0; first < grid.count(); first += step) {
    const int last = std::min(first + step, grid.count());
    threads.run((last - first + part - 1) / part, [&](int task, int) {
      const int from = first + task * part;
      transformed here = v;
      here.data += task * part * v.tile_distance;
      transform_inputs(x, padding, grid, from, std::min(from + part, last), 0, depth, here);
    });
    threads.run((columns + width - 1) / width, [&](int task, int thread) {
      const int from = task * width;
      const int to = std::min(from + width, columns);
      const transformed m{scratch.of(thread) + (v.end() - v.data), blocks.tiles, blocks.columns};
      multiply_frequencies(v, last - first, depth, packed, columns, from, to - from, m);
      transform_outputs(m, grid, first, last, from, std::min(to, stored), y, result);
    });
  }
}

/// of_channel[j] += the pixels of channel j of dy, in `tiles` transformed tiles: A dy Aᵀ at the points (1, 1) is their
/// sum in a tile.
inline void add_pixel_sums(const transformed& dy, int tiles, int channels, double* of_channel) {
  for (int j = 0; j < channels; j += lanes) {
    const float* from = dy.at(j, 0) + dy.row_distance + panel;
    vec sum = zero();
    for (int t = 0; t < tiles; ++t, from += dy.tile_distance) { sum = hn::Add(sum, load(from)); }
    float values[lanes];
    store(sum, values);
    for (int lane = 0; lane < lanes; ++lane) { of_channel[j + lane] += values[lane]; }
  }
}

/// sums[36][rows × columns] += Σ over tiles [first, last) of (Bᵀ x B) ⊙ (A dy Aᵀ), for `rows` channels of x from c on
/// and `columns` channels of dy from k on; pixel_sums, if wanted, as add_pixel_sums says.
[[gnu::noinline]] inline void add_frequency_products(const view<const float>& x, int padding,
                                                     const view<const float>& dy, const tile_grid& grid, int first,
                                                     int last, int c, int k, const wino::gradient_blocking& blocks,
                                                     float* v, float* g, float* sums, double* pixel_sums) {
  const int rows = std::min(blocks.rows, wino::rounded(x.extent.channels, channel_block) - c);
  const int columns = std::min(blocks.columns, wino::rounded(dy.extent.channels, channel_block) - k);
  const int padded_columns = wino::rounded(columns, panel);
  const transformed inputs{v, blocks.tiles, rows};
  const transformed gradients{g, blocks.tiles, padded_columns};
  if (columns < padded_columns) { std::fill(g, gradients.end(), 0.0F); }
  for (; first < last; first += blocks.tiles) {
    const int end = std::min(first + blocks.tiles, last);
    transform_inputs(x, padding, grid, first, end, c, c + rows, inputs);
    transform_tiles<wino::tile>(output_transform_transposed{}, dy, 0, grid, first, end, k, k + columns, gradients);
    if (pixel_sums != nullptr) { add_pixel_sums(gradients, end - first, columns, pixel_sums); }
    for (int f = 0; f < wino::frequencies; ++f) {
      matrix_product<gradient_rows>(
          channels_by_pixels<transformed::tile_distance>{inputs.frequency(f), inputs.panel_distance}, rows, end - first,
          panels<transformed::tile_distance>{gradients.frequency(f), gradients.panel_distance}, padded_columns,
          result_panels{sums + f * blocks.sums(), blocks.columns, panel}, true);
    }
  }
}

/// dweight += Gᵀ sums G for channel c of x and the `columns` channels of dy from k on; `sums` points to [36][columns].
[[gnu::noinline]] inline void add_weight_tile(const float* sums, std::int64_t frequency_distance, int c,
                                              int channels_in, int k, int columns, float* dweight) {
  for (int j = 0; j < columns; j += lanes) {
    const tag d;
    alignas(64) float taps[9][lanes];
    transform_square<6, 3>(
        d, weight_transform_transposed{},
        [&](int r, int s) SEGX_INLINED { return load(sums + (r * 6 + s) * frequency_distance + j); },
        [&](vec value, int r, int s) SEGX_INLINED { store(value, taps[r * 3 + s]); });
    for (int lane = 0; lane < std::min(lanes, columns - j); ++lane) {
      float* to = dweight + ((k + j + lane) * std::int64_t{channels_in} + c) * 9;
      for (int tap = 0; tap < 9; ++tap) { to[tap] += taps[tap][lane]; }
    }
  }
}

/// dweight[K,C,3,3] += gradient, and dbias[K], if wanted.
inline void winograd_weight_gradient(thread_pool& threads, const view<const float>& x, int padding,
                                     const view<const float>& dy, float* dweight, float* dbias,
                                     scratch_memory<float> scratch) {
  const tile_grid grid{dy.extent, dy.batch};
  const int channels_in = x.extent.channels;
  const int channels_out = dy.extent.channels;
  const wino::gradient_blocking blocks{channels_in, channels_out};
  const int column_tasks = (channels_out + blocks.columns - 1) / blocks.columns;
  const int row_tasks = (channels_in + blocks.rows - 1) / blocks.rows;
  const int parts = blocks.parts(grid.count(), row_tasks * column_tasks);
  turnstile in_order;

  threads.run_in_order(row_tasks * column_tasks * parts, [&](int task, int thread) {
    const int part = task % parts;
    const int c0 = task / parts / column_tasks * blocks.rows;
    const int k0 = task / parts % column_tasks * blocks.columns;
    float* sums = scratch.of(thread);
    float* v = sums + wino::frequencies * blocks.sums();
    float* g = v + blocks.inputs();
    std::fill(sums, v, 0.0F);
    double pixel_sums[wino::gradient_blocking::most_columns] = {};
    const bool wants_bias = dbias != nullptr && c0 == 0;
    add_frequency_products(x, padding, dy, grid, static_cast<int>(std::int64_t{grid.count()} * part / parts),
                           static_cast<int>(std::int64_t{grid.count()} * (part + 1) / parts), c0, k0, blocks, v, g,
                           sums, wants_bias ? pixel_sums : nullptr);
    const int columns = std::min(blocks.columns, channels_out - k0);
    const auto add_to_weights = [&] {
      for (int c = c0; c < std::min(c0 + blocks.rows, channels_in); ++c) {
        add_weight_tile(sums + (c - c0) * blocks.columns, blocks.sums(), c, channels_in, k0, columns, dweight);
      }
      for (int k = 0; k < columns && wants_bias; ++k) { dbias[k0 + k] += static_cast<float>(pixel_sums[k]); }
    };
    if (parts == 1) { return add_to_weights(); }
    in_order.pass(part, add_to_weights);
  });
}

/// G w: three values to six.
struct weight_transform {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* w, V* o) const {
    const V s = hn::Add(w[0], w[2]), minus_sixth = hn::Set(d, -1.0F / 6);
    const V t = hn::MulAdd(hn::Set(d, 1.0F / 6), w[2], hn::Mul(hn::Set(d, 1.0F / 24), w[0]));
    const V twelfth = hn::Mul(hn::Set(d, 1.0F / 12), w[1]);
    o[0] = hn::Mul(hn::Set(d, 1.0F / 4), w[0]);
    o[1] = hn::Mul(minus_sixth, hn::Add(s, w[1]));
    o[2] = hn::Mul(minus_sixth, hn::Sub(s, w[1]));
    o[3] = hn::Add(t, twelfth);
    o[4] = hn::Sub(t, twelfth);
    o[5] = w[2];
  }
};

/// 3×3 weights from input channel c to result k: nine values at weights + k · to_distance + c · from_distance.
struct weight_order {
  const float* weights;
  std::int64_t to_distance, from_distance;
  bool turned = false;  // by 180°
};

/// G w Gᵀ for every pair of channels, packed.
inline void winograd_pack(thread_pool& threads, int channels_in, int channels_out, const weight_order& order,
                          float* packed) {
  const column_tag d;
  const int depth = wino::rounded(channels_in, 8);
  const int columns = wino::rounded(channels_out, panel);
  threads.run(columns / panel, [&](int task, int) {
    const int first = task * panel;
    const int real = std::min(panel, channels_out - first);
    alignas(64) float taps[9][panel] = {};
    for (int c = 0; c < depth; ++c) {
      for (int lane = 0; lane < real; ++lane) {
        const float* w = order.weights + (first + lane) * order.to_distance + c * order.from_distance;
        for (int tap = 0; tap < 9; ++tap) { taps[tap][lane] = c < channels_in ? w[order.turned ? 8 - tap : tap] : 0; }
      }
      float* to = packed + std::int64_t{first} * depth + c * panel;
      for (int lane = 0; lane < panel; lane += column_lanes) {
        transform_square<3, 6>(
            d, weight_transform{}, [&](int r, int s) SEGX_INLINED { return hn::LoadU(d, taps[r * 3 + s] + lane); },
            [&](column_vec v, int r, int s)
                SEGX_INLINED { hn::StoreU(v, d, to + std::int64_t{r * 6 + s} * columns * depth + lane); });
      }
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
