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
/// Blocking: a task takes some tiles, few enough that their transformed values stay in the second-level cache from the
/// input transform through the products to the output transform. Transforms take as many channels at a time as a vector
/// has lanes, and write whole cache lines.
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
  HWY_INLINE void operator()(D d, const V* x, V* o, int step) const {
    const V four = hn::Set(d, 4), minus5 = hn::Set(d, -5), two = hn::Set(d, 2);
    o[0] = hn::MulAdd(four, x[0], hn::MulAdd(minus5, x[2], x[4]));
    const V a = hn::NegMulAdd(four, x[2], x[4]);
    const V b = hn::NegMulAdd(four, x[1], x[3]);
    o[step] = hn::Add(a, b);
    o[2 * step] = hn::Sub(a, b);
    const V c = hn::Sub(x[4], x[2]);
    const V e = hn::Sub(x[3], x[1]);
    o[3 * step] = hn::MulAdd(two, e, c);
    o[4 * step] = hn::NegMulAdd(two, e, c);
    o[5 * step] = hn::MulAdd(four, x[1], hn::MulAdd(minus5, x[3], x[5]));
  }
};

/// Aᵀ m: six values to four.
struct output_transform {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* m, V* o, int step) const {
    const V s = hn::Add(m[1], m[2]), t = hn::Sub(m[1], m[2]), s2 = hn::Add(m[3], m[4]), t2 = hn::Sub(m[3], m[4]);
    o[0] = hn::Add(m[0], hn::Add(s, s2));
    o[step] = hn::MulAdd(hn::Set(d, 2), t2, t);
    o[2 * step] = hn::MulAdd(hn::Set(d, 4), s2, s);
    o[3 * step] = hn::Add(m[5], hn::MulAdd(hn::Set(d, 8), t2, t));
  }
};

/// A y: four values to six, the transpose of output_transform.
struct output_transform_transposed {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* y, V* o, int step) const {
    const V s = hn::Add(y[0], y[2]), t = hn::Add(y[1], y[3]);
    const V s2 = hn::MulAdd(hn::Set(d, 4), y[2], y[0]);
    const V t2 = hn::MulAdd(hn::Set(d, 8), y[3], hn::Add(y[1], y[1]));
    o[0] = y[0];
    o[step] = hn::Add(s, t);
    o[2 * step] = hn::Sub(s, t);
    o[3 * step] = hn::Add(s2, t2);
    o[4 * step] = hn::Sub(s2, t2);
    o[5 * step] = y[3];
  }
};

/// Gᵀ u: six values to three.
struct weight_transform_transposed {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* u, V* o, int step) const {
    const V s = hn::Add(u[1], u[2]), t = hn::Sub(u[2], u[1]), s2 = hn::Add(u[3], u[4]), t2 = hn::Sub(u[3], u[4]);
    const V sixth = hn::Set(d, 1.0F / 6), minus_sixth = hn::Set(d, -1.0F / 6);
    const V twelfth = hn::Set(d, 1.0F / 12);
    o[0] = hn::MulAdd(hn::Set(d, 1.0F / 4), u[0], hn::MulAdd(minus_sixth, s, hn::Mul(hn::Set(d, 1.0F / 24), s2)));
    o[step] = hn::MulAdd(sixth, t, hn::Mul(twelfth, t2));
    o[2 * step] = hn::MulAdd(minus_sixth, s, hn::MulAdd(sixth, s2, u[5]));
  }
};

/// A transform of the columns and then the rows of In × In values to Out × Out: load(row, column), store(v, row,
/// column).
template <int In, int Out, class D, class Transform, class Load, class Store>
HWY_INLINE void transform_square(D d, Transform transform, Load&& load_value, Store&& store_value) {
  using V = hn::Vec<D>;
  V half[Out * In];
#pragma GCC unroll 6
  for (int s = 0; s < In; ++s) {
    V in[In];
#pragma GCC unroll 6
    for (int r = 0; r < In; ++r) { in[r] = load_value(r, s); }
    transform(d, in, half + s, In);
  }
#pragma GCC unroll 6
  for (int r = 0; r < Out; ++r) {
    V out[Out];
    transform(d, half + r * In, out, 1);
#pragma GCC unroll 6
    for (int s = 0; s < Out; ++s) { store_value(out[s], r, s); }
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

  /// Calls body(t − first, image, row, column) for tiles [first, last), with the place of the first result.
  template <class Body>
  HWY_INLINE void visit(int first, int last, Body&& body) const {
    int column = first % columns_;
    int row = first / columns_ % rows_;
    int image = first / columns_ / rows_;
    for (int t = first; t < last; ++t) {
      body(t - first, image, row * wino::tile, column * wino::tile);
      if (++column == columns_) {
        column = 0;
        if (++row == rows_) {
          row = 0;
          ++image;
        }
      }
    }
  }

 private:
  int rows_, columns_, count_;
};

/// Extent × Extent pixels, blocks of channels apart: in the image where they lie inside of it, else a copy with zeros.
template <int Extent>
class pixel_square {
 public:
  const float* pixels;
  std::int64_t row_distance, block_distance;

  /// `plane`: the first of the vector's channels.
  template <class D>
  HWY_INLINE pixel_square(D d, const float* plane, shape x, int row, int column)
      : row_distance{std::int64_t{x.width} * channel_block}, block_distance{x.plane() * channel_block} {
    pixels = plane + row * row_distance + std::int64_t{column} * channel_block;
    if (row >= 0 && column >= 0 && row + Extent <= x.height && column + Extent <= x.width) { return; }
    const std::int64_t copied_block = Extent * Extent * channel_block;
    for (int r = 0; r < Extent; ++r) {
      for (int s = 0; s < Extent; ++s) {
        const bool inside = row + r >= 0 && row + r < x.height && column + s >= 0 && column + s < x.width;
        const auto v =
            inside ? load_pixel(d, pixels + r * row_distance + s * channel_block, block_distance) : hn::Zero(d);
        split_pixel(d, v, copy_ + (r * Extent + s) * channel_block, copied_block, store_slice{});
      }
    }
    pixels = copy_;
    row_distance = Extent * channel_block;
    block_distance = copied_block;
  }
  pixel_square(const pixel_square&) = delete;

  /// Asks for the pixels `columns` further on: there are more rows and blocks than the processor follows by itself.
  template <class D>
  HWY_INLINE void prefetch(D, int columns) const {
    for (int r = 0; r < Extent; ++r) {
      const float* ahead = pixels + r * row_distance + columns * channel_block;
      for (std::size_t channel = 0; channel < hn::MaxLanes(D{}); channel += channel_block, ahead += block_distance) {
        hwy::Prefetch(ahead);
        hwy::Prefetch(ahead + 2 * channel_block);
      }
    }
  }

  template <class D>
  HWY_INLINE hn::Vec<D> load(D d, int row, int column) const {
    return load_pixel(d, pixels + row * row_distance + column * channel_block, block_distance);
  }

 private:
  float copy_[2 * Extent * Extent * channel_block];
};

/// Bᵀ x B of tiles [first, last), channels [from, to) (whole blocks), into v[36][tile][row_distance].
[[gnu::noinline]] inline void transform_inputs(const view<const float>& x, int padding, const tile_grid& grid,
                                               int first, int last, int from, int to, float* v,
                                               std::int64_t row_distance, std::int64_t frequency_distance) {
  grid.visit(first, last, [&](int t, int image, int row, int column) SEGX_INLINED {
    for_each_vector(from, to, [&](auto d, int c) SEGX_INLINED {
      const pixel_square<wino::window> in{d, x.image(image) + channel_offset(x.extent, c), x.extent, row - padding,
                                          column - padding};
      for (int r = 0; r < 6; ++r) {
        const float* ahead = x.image(image) + channel_offset(x.extent, c) +
                             (std::int64_t{row + r + 1} * x.extent.width + column + 8) * channel_block;
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + 16);
        if (hn::MaxLanes(d) > 8) {
          __builtin_prefetch(ahead + in.block_distance);
          __builtin_prefetch(ahead + 16 + in.block_distance);
        }
      }
      in.prefetch(d, 2 * wino::tile);
      float* out = v + t * row_distance + (c - from);
      transform_square<6, 6>(
          d, input_transform{}, [&](int r, int s) SEGX_INLINED { return in.load(d, r, s); },
          [&](auto value, int r, int s) SEGX_INLINED { hn::StoreU(value, d, out + (r * 6 + s) * frequency_distance); });
    });
  });
}

/// A dy Aᵀ of tiles [first, last), channels [from, to) (whole blocks), into v[36][tile][row_distance].
[[gnu::noinline]] inline void transform_gradients(const view<const float>& dy, const tile_grid& grid, int first,
                                                  int last, int from, int to, float* v, std::int64_t row_distance,
                                                  std::int64_t frequency_distance) {
  grid.visit(first, last, [&](int t, int image, int row, int column) SEGX_INLINED {
    for_each_vector(from, to, [&](auto d, int k) SEGX_INLINED {
      const pixel_square<wino::tile> in{d, dy.image(image) + channel_offset(dy.extent, k), dy.extent, row, column};
      float* out = v + t * row_distance + (k - from);
      transform_square<4, 6>(
          d, output_transform_transposed{}, [&](int r, int s) SEGX_INLINED { return in.load(d, r, s); },
          [&](auto value, int r, int s) SEGX_INLINED { hn::StoreU(value, d, out + (r * 6 + s) * frequency_distance); });
    });
  });
}

/// Aᵀ m A of tiles [first, last), channels [from, to) (whole blocks), from m[36][tile][row_distance] into y.
template <class Result>
[[gnu::noinline]] void transform_outputs(const float* m, std::int64_t row_distance, std::int64_t frequency_distance,
                                         const tile_grid& grid, int first, int last, int from, int to,
                                         const view<float>& y, const Result& result) {
  const shape s = y.extent;
  const std::int64_t line = std::int64_t{s.width} * channel_block;
  const std::int64_t block_distance = s.plane() * channel_block;
  grid.visit(first, last, [&](int t, int image, int row, int column) SEGX_INLINED {
    const int rows = std::min(wino::tile, s.height - row);
    const int columns = std::min(wino::tile, s.width - column);
    for_each_vector(from, to, [&](auto d, int k) SEGX_INLINED {
      const float* in = m + t * row_distance + k;
      const auto load_value = [&](int r, int c)
                                  SEGX_INLINED { return hn::LoadU(d, in + (r * 6 + c) * frequency_distance); };
      const std::int64_t pixel = std::int64_t{row} * s.width + column;
      float* out = y.image(image) + channel_offset(s, k) + pixel * channel_block;
      const auto clamped_sum = result.clamped_sum(d, k);
      const auto put = [&](auto value, int r, int c) SEGX_INLINED {
        split_pixel(d, clamped_sum(value), out + r * line + c * channel_block, block_distance, result.put());
      };
      if (rows == wino::tile && columns == wino::tile) {
        transform_square<6, 4>(d, output_transform{}, load_value, put);
      } else {
        hn::Vec<decltype(d)> tile[wino::tile * wino::tile];
        transform_square<6, 4>(d, output_transform{}, load_value,
                               [&](auto value, int r, int c) SEGX_INLINED { tile[r * wino::tile + c] = value; });
        for (int r = 0; r < rows; ++r) {
          for (int c = 0; c < columns; ++c) { put(tile[r * wino::tile + c], r, c); }
        }
      }
      if (result.finishes()) {
        for (int r = 0; r < rows; ++r) {
          result.finish(d, k, image, pixel + std::int64_t{r} * s.width, columns, 1, out + r * line, block_distance);
        }
      }
    });
  });
}

/// y = result(convolution of x with the packed weights).
template <class Result>
void winograd_convolution(thread_pool& threads, const view<const float>& x, int padding, const float* packed,
                          const view<float>& y, scratch_memory<float> scratch, const Result& result) {
  const tile_grid grid{y.extent, y.batch};
  const int depth = wino::rounded(x.extent.channels, 8);
  const int columns = wino::rounded(y.extent.channels, panel);
  const int stored = wino::rounded(y.extent.channels, channel_block);
  // Threads share the tiles; where there are few of them, the output channels.
  const int most = wino::tiles_per_task(x.extent.channels, y.extent.channels);
  const bool few = grid.count() < 24 * threads.size();
  const int share = wino::rounded((grid.count() + threads.size() - 1) / threads.size(), max_rows);
  const int step = few ? most : std::min(most, share);
  const int tile_tasks = (grid.count() + step - 1) / step;
  const int width =
      few ? wino::rounded((columns + threads.size() - 1) / threads.size(), std::max(panel, pass_columns)) : columns;
  const int column_tasks = (columns + width - 1) / width;
  const std::int64_t v_distance = std::int64_t{step} * depth + wino::skew;
  const std::int64_t m_distance = std::int64_t{step} * columns + wino::skew;

  threads.run(tile_tasks * column_tasks, [&](int task, int thread) {
    const int first = task / column_tasks * step;
    const int last = std::min(first + step, grid.count());
    const int from = task % column_tasks * width;
    const int to = std::min(from + width, columns);
    float* v = scratch.of(thread);
    float* m = v + wino::frequencies * v_distance;
    transform_inputs(x, padding, grid, first, last, 0, depth, v, depth, v_distance);
    for (int f = 0; f < wino::frequencies; ++f) {
      const panels b{packed + (std::int64_t{f} * columns + from) * depth, panel, std::int64_t{panel} * depth};
      matrix_product<max_rows, false>(last - first, depth, to - from, v + f * v_distance, depth, 1, b,
                                      m + f * m_distance + from, columns);
    }
    transform_outputs(m, columns, m_distance, grid, first, last, from, std::min(to, stored), y, result);
  });
}

/// sums[36][rows × columns] += Σ over tiles [first, last) of (Bᵀ x B) ⊙ (A dy Aᵀ), for `rows` channels of x from c on
/// and `columns` channels of dy from k on.
[[gnu::noinline]] inline void add_frequency_products(const view<const float>& x, int padding,
                                                     const view<const float>& dy, const tile_grid& grid, int first,
                                                     int last, int c, int k, const wino::gradient_blocking& blocks,
                                                     float* v, float* g, float* sums) {
  const int rows = std::min(blocks.rows, wino::rounded(x.extent.channels, channel_block) - c);
  const int columns = std::min(blocks.columns, wino::rounded(dy.extent.channels, channel_block) - k);
  const int padded_columns = wino::rounded(columns, panel);
  if (columns < padded_columns) { std::fill(g, g + wino::frequencies * blocks.gradients(), 0.0F); }
  for (; first < last; first += blocks.tiles) {
    const int end = std::min(first + blocks.tiles, last);
    transform_inputs(x, padding, grid, first, end, c, c + rows, v, rows, blocks.inputs());
    transform_gradients(dy, grid, first, end, k, k + columns, g, padded_columns, blocks.gradients());
    for (int f = 0; f < wino::frequencies; ++f) {
      const panels b{g + f * blocks.gradients(), padded_columns, panel};
      matrix_product<gradient_rows, true>(rows, end - first, padded_columns, v + f * blocks.inputs(), 1, rows, b,
                                          sums + f * blocks.sums(), blocks.columns);
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

/// dweight[K,C,3,3] += gradient.
inline void winograd_weight_gradient(thread_pool& threads, const view<const float>& x, int padding,
                                     const view<const float>& dy, float* dweight, scratch_memory<float> scratch) {
  const tile_grid grid{dy.extent, dy.batch};
  const int channels_in = x.extent.channels;
  const int channels_out = dy.extent.channels;
  const wino::gradient_blocking blocks{channels_in, channels_out};
  const int column_tasks = (channels_out + blocks.columns - 1) / blocks.columns;
  const int row_tasks = (channels_in + blocks.rows - 1) / blocks.rows;
  const int parts = blocks.parts(grid.count());
  turnstile in_order;

  threads.run(row_tasks * column_tasks * parts, [&](int task, int thread) {
    const int part = task % parts;
    const int c0 = task / parts / column_tasks * blocks.rows;
    const int k0 = task / parts % column_tasks * blocks.columns;
    float* sums = scratch.of(thread);
    float* v = sums + wino::frequencies * blocks.sums();
    float* g = v + wino::frequencies * blocks.inputs();
    std::fill(sums, v, 0.0F);
    add_frequency_products(x, padding, dy, grid, static_cast<int>(std::int64_t{grid.count()} * part / parts),
                           static_cast<int>(std::int64_t{grid.count()} * (part + 1) / parts), c0, k0, blocks, v, g,
                           sums);
    const auto add_to_weights = [&] {
      for (int c = c0; c < std::min(c0 + blocks.rows, channels_in); ++c) {
        add_weight_tile(sums + (c - c0) * blocks.columns, blocks.sums(), c, channels_in, k0,
                        std::min(blocks.columns, channels_out - k0), dweight);
      }
    };
    if (parts == 1) { return add_to_weights(); }
    in_order.pass(part, add_to_weights);
  });
}

/// G w: three values to six.
struct weight_transform {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* w, V* o, int step) const {
    const V s = hn::Add(w[0], w[2]), minus_sixth = hn::Set(d, -1.0F / 6);
    const V t = hn::MulAdd(hn::Set(d, 1.0F / 6), w[2], hn::Mul(hn::Set(d, 1.0F / 24), w[0]));
    const V twelfth = hn::Mul(hn::Set(d, 1.0F / 12), w[1]);
    o[0] = hn::Mul(hn::Set(d, 1.0F / 4), w[0]);
    o[step] = hn::Mul(minus_sixth, hn::Add(s, w[1]));
    o[2 * step] = hn::Mul(minus_sixth, hn::Sub(s, w[1]));
    o[3 * step] = hn::Add(t, twelfth);
    o[4 * step] = hn::Sub(t, twelfth);
    o[5 * step] = w[2];
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
