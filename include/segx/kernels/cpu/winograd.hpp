#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

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
/// input transform through the products to the output transform.
///
/// Source: Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, arXiv:1509.09308.
namespace segx::winograd {

inline constexpr int tile = 4;    // results along an edge
inline constexpr int window = 6;  // inputs along an edge
inline constexpr int frequencies = 36;
inline constexpr int skew = 16;  // floats between frequencies, so that they do not meet in one cache set

constexpr int rounded(int value, int to) { return (value + to - 1) / to * to; }

/// Tiles of one task when x has C and y has K channels.
constexpr int tiles_per_task(int channels_in, int channels_out) {
  const int bytes_per_tile = frequencies * 4 * (rounded(channels_in, 8) + rounded(channels_out, 16));
  return std::clamp(448 * 1024 / bytes_per_tile / 6 * 6, 24, 96);
}

/// Floats of the transformed weights [36][⌈K/16⌉][C][16]; C in whole blocks, as the lanes behind it are read.
constexpr std::int64_t packed_floats(int channels_in, int channels_out) {
  return std::int64_t{frequencies} * rounded(channels_in, 8) * rounded(channels_out, 16);
}

constexpr std::int64_t scratch_floats(int channels_in, int channels_out) {
  const std::int64_t columns = rounded(channels_in, 8) + rounded(channels_out, 16);
  return frequencies * (tiles_per_task(channels_in, channels_out) * columns + 2 * skew);
}

/// Input channels of one task of the weight gradient.
constexpr int gradient_channels(int channels_in) { return std::clamp(rounded((channels_in + 1) / 2, 8), 8, 32); }

constexpr int gradient_tiles(int channels_out) {
  return std::clamp(256 * 1024 / (frequencies * 4 * rounded(channels_out, 16)), 24, 96);
}

constexpr std::int64_t gradient_scratch_floats(int channels_in, int channels_out) {
  const std::int64_t c = gradient_channels(channels_in);
  const std::int64_t k = rounded(channels_out, 16);
  return frequencies * (gradient_tiles(channels_out) * (c + k) + c * k + 3 * skew);
}

}  // namespace segx::winograd

namespace segx::simd::HWY_NAMESPACE {

namespace wino = segx::winograd;

/// Bᵀ d: six values to six.
HWY_INLINE void input_transform(const vec* d, std::int64_t step, vec* o) {
  const vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const vec four = all(4), minus5 = all(-5), two = all(2);
  o[0] = hn::MulAdd(four, d0, hn::MulAdd(minus5, d2, d4));
  const vec a = hn::NegMulAdd(four, d2, d4);
  const vec b = hn::NegMulAdd(four, d1, d3);
  o[1] = hn::Add(a, b);
  o[2] = hn::Sub(a, b);
  const vec c = hn::Sub(d4, d2);
  const vec e = hn::Mul(two, hn::Sub(d3, d1));
  o[3] = hn::Add(c, e);
  o[4] = hn::Sub(c, e);
  o[5] = hn::MulAdd(four, d1, hn::MulAdd(minus5, d3, d5));
}

/// Aᵀ m: six values to four.
HWY_INLINE void output_transform(const vec* m, std::int64_t step, vec* o) {
  const vec m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step], m5 = m[5 * step];
  const vec s = hn::Add(m1, m2), d = hn::Sub(m1, m2), s2 = hn::Add(m3, m4), d2 = hn::Sub(m3, m4);
  o[0] = hn::Add(m0, hn::Add(s, s2));
  o[1] = hn::MulAdd(all(2), d2, d);
  o[2] = hn::MulAdd(all(4), s2, s);
  o[3] = hn::Add(m5, hn::MulAdd(all(8), d2, d));
}

/// A d: four values to six, the transpose of output_transform.
HWY_INLINE void output_transform_transposed(const vec* y, std::int64_t step, vec* o) {
  const vec d0 = y[0], d1 = y[step], d2 = y[2 * step], d3 = y[3 * step];
  const vec s = hn::Add(d0, d2), t = hn::Add(d1, d3);
  const vec s2 = hn::MulAdd(all(4), d2, d0), t2 = hn::MulAdd(all(8), d3, hn::Mul(all(2), d1));
  o[0] = d0;
  o[1] = hn::Add(s, t);
  o[2] = hn::Sub(s, t);
  o[3] = hn::Add(s2, t2);
  o[4] = hn::Sub(s2, t2);
  o[5] = d3;
}

/// Gᵀ u: six values to three.
HWY_INLINE void weight_transform_transposed(const vec* u, std::int64_t step, vec* o) {
  const vec u0 = u[0], u1 = u[step], u2 = u[2 * step], u3 = u[3 * step], u4 = u[4 * step], u5 = u[5 * step];
  const vec s = hn::Add(u1, u2), d = hn::Sub(u2, u1), s2 = hn::Add(u3, u4), d2 = hn::Sub(u3, u4);
  o[0] = hn::MulAdd(all(1.0F / 4), u0, hn::MulAdd(all(-1.0F / 6), s, hn::Mul(all(1.0F / 24), s2)));
  o[1] = hn::MulAdd(all(1.0F / 6), d, hn::Mul(all(1.0F / 12), d2));
  o[2] = hn::MulAdd(all(-1.0F / 6), s, hn::MulAdd(all(1.0F / 6), s2, u5));
}

/// The tiles of a batch, numbered through images, rows and columns.
struct tile_grid {
  int rows, columns, count;

  tile_grid(shape y, int batch)
      : rows{(y.height + wino::tile - 1) / wino::tile},
        columns{(y.width + wino::tile - 1) / wino::tile},
        count{batch * rows * columns} {}

  struct position {
    int image, row, column;  // of the first result
  };
  position at(int t) const { return {t / (rows * columns), t / columns % rows * wino::tile, t % columns * wino::tile}; }
};

/// `Extent`² pixels of one slice of channels of `x`, from (row, column) on; zeros outside the image.
template <int Extent>
HWY_INLINE void load_tile(const float* plane, shape x, int row, int column, vec* tile) {
  if (row >= 0 && column >= 0 && row + Extent <= x.height && column + Extent <= x.width) {
    const float* from = plane + (std::int64_t{row} * x.width + column) * channel_block;
    for (int r = 0; r < Extent; ++r, from += std::int64_t{x.width} * channel_block) {
      for (int s = 0; s < Extent; ++s) { tile[r * Extent + s] = load(from + s * channel_block); }
    }
    return;
  }
  for (int r = 0; r < Extent; ++r) {
    for (int s = 0; s < Extent; ++s) {
      const int h = row + r;
      const int w = column + s;
      const bool inside = h >= 0 && w >= 0 && h < x.height && w < x.width;
      tile[r * Extent + s] = inside ? load(plane + (std::int64_t{h} * x.width + w) * channel_block) : zero();
    }
  }
}

/// Bᵀ x B of tiles [first, last), channels [from, to) (whole blocks), into v[36][tile][channel − from].
inline void transform_inputs(const view<const float>& x, int padding, const tile_grid& grid, int first, int last,
                             int from, int to, float* v, std::int64_t frequency_distance) {
  const std::int64_t block_floats = x.extent.plane() * channel_block;
  const int width = to - from;
  for (int c = from; c < to; c += lanes) {
    const std::int64_t channel = c / channel_block * block_floats + c % channel_block;
    for (int t = first; t < last; ++t) {
      const tile_grid::position at = grid.at(t);
      vec in[36];
      vec half[36];
      vec out[6];
      load_tile<wino::window>(x.image(at.image) + channel, x.extent, at.row - padding, at.column - padding, in);
      for (int s = 0; s < 6; ++s) {
        input_transform(in + s, 6, out);
        for (int r = 0; r < 6; ++r) { half[r * 6 + s] = out[r]; }
      }
      float* to_frequency = v + std::int64_t{t - first} * width + (c - from);
      for (int r = 0; r < 6; ++r) {
        input_transform(half + r * 6, 1, out);
        for (int s = 0; s < 6; ++s) { store(out[s], to_frequency + (r * 6 + s) * frequency_distance); }
      }
    }
  }
}

/// A dy Aᵀ of tiles [first, last), all channels, into v[36][tile][columns].
inline void transform_gradients(const view<const float>& dy, const tile_grid& grid, int first, int last, int columns,
                                float* v, std::int64_t frequency_distance) {
  const std::int64_t block_floats = dy.extent.plane() * channel_block;
  for (int k = 0; k < wino::rounded(dy.extent.channels, channel_block); k += lanes) {
    const std::int64_t channel = k / channel_block * block_floats + k % channel_block;
    for (int t = first; t < last; ++t) {
      const tile_grid::position at = grid.at(t);
      vec in[16];
      vec half[24];
      vec out[6];
      load_tile<wino::tile>(dy.image(at.image) + channel, dy.extent, at.row, at.column, in);
      for (int s = 0; s < 4; ++s) {
        output_transform_transposed(in + s, 4, out);
        for (int r = 0; r < 6; ++r) { half[r * 4 + s] = out[r]; }
      }
      float* to_frequency = v + std::int64_t{t - first} * columns + k;
      for (int r = 0; r < 6; ++r) {
        output_transform_transposed(half + r * 4, 1, out);
        for (int s = 0; s < 6; ++s) { store(out[s], to_frequency + (r * 6 + s) * frequency_distance); }
      }
    }
  }
}

/// Aᵀ m A of tiles [first, last) into y; `finish(values, k, image, row, column, where)` stores one slice of one pixel.
template <class Finish>
void transform_outputs(const float* m, std::int64_t frequency_distance, int columns, const tile_grid& grid, int first,
                       int last, const view<float>& y, Finish&& finish) {
  const std::int64_t block_floats = y.extent.plane() * channel_block;
  for (int k = 0; k < wino::rounded(y.extent.channels, channel_block); k += lanes) {
    const std::int64_t channel = k / channel_block * block_floats + k % channel_block;
    for (int t = first; t < last; ++t) {
      const tile_grid::position at = grid.at(t);
      const float* from = m + std::int64_t{t - first} * columns + k;
      vec half[24];
      vec in[6];
      vec out[4];
      for (int s = 0; s < 6; ++s) {
        for (int r = 0; r < 6; ++r) { in[r] = load(from + (r * 6 + s) * frequency_distance); }
        output_transform(in, 1, out);
        for (int r = 0; r < 4; ++r) { half[r * 6 + s] = out[r]; }
      }
      const int rows = std::min(wino::tile, y.extent.height - at.row);
      const int pixels = std::min(wino::tile, y.extent.width - at.column);
      for (int r = 0; r < rows; ++r) {
        output_transform(half + r * 6, 1, out);
        const std::int64_t pixel = std::int64_t{at.row + r} * y.extent.width + at.column;
        float* to = y.image(at.image) + channel + pixel * channel_block;
        for (int s = 0; s < pixels; ++s) { finish(out[s], k, at.image, pixel + s, to + s * channel_block); }
      }
    }
  }
}

/// y = finish(convolution of x with the packed weights).
template <class Finish>
void winograd_convolution(thread_pool& threads, const view<const float>& x, int padding, const float* packed,
                          const view<float>& y, scratch_memory<float> scratch, Finish&& finish) {
  const tile_grid grid{y.extent, y.batch};
  const int depth = wino::rounded(x.extent.channels, 8);
  const int columns = wino::rounded(y.extent.channels, panel);
  const int share = wino::rounded((grid.count + threads.size() - 1) / threads.size(), max_rows);
  const int step = std::min(wino::tiles_per_task(x.extent.channels, y.extent.channels), share);
  const std::int64_t v_distance = std::int64_t{step} * depth + wino::skew;
  const std::int64_t m_distance = std::int64_t{step} * columns + wino::skew;

  threads.run((grid.count + step - 1) / step, [&](int task, int thread) {
    const int first = task * step;
    const int last = std::min(first + step, grid.count);
    float* v = scratch.of(thread);
    float* m = v + wino::frequencies * v_distance;
    transform_inputs(x, padding, grid, first, last, 0, depth, v, v_distance);
    for (int f = 0; f < wino::frequencies; ++f) {
      for (int k = 0; k < columns; k += pass_columns) {
        const float* b = packed + (std::int64_t{f} * columns + k / panel * panel) * depth + k % panel;
        multiply_rows<max_rows, false>(last - first, v + f * v_distance, depth, 1, b, panel, depth,
                                       m + f * m_distance + k, columns);
      }
    }
    transform_outputs(m, m_distance, columns, grid, first, last, y, finish);
  });
}

/// dweight[K,C,3,3] += gradient. A task makes all of dweight for a few input channels: nothing is summed across tasks.
inline void winograd_weight_gradient(thread_pool& threads, const view<const float>& x, int padding,
                                     const view<const float>& dy, float* dweight, scratch_memory<float> scratch) {
  const tile_grid grid{dy.extent, dy.batch};
  const int channels = x.extent.channels;
  const int chunk = wino::gradient_channels(channels);
  const int columns = wino::rounded(dy.extent.channels, panel);
  const int step = wino::gradient_tiles(dy.extent.channels);

  threads.run((channels + chunk - 1) / chunk, [&](int task, int thread) {
    const int from = task * chunk;
    const int to = std::min(from + chunk, wino::rounded(channels, 8));
    const int width = to - from;
    const std::int64_t v_distance = std::int64_t{step} * width + wino::skew;
    const std::int64_t g_distance = std::int64_t{step} * columns + wino::skew;
    const std::int64_t u_distance = std::int64_t{width} * columns + wino::skew;
    float* v = scratch.of(thread);
    float* g = v + wino::frequencies * v_distance;
    float* u = g + wino::frequencies * g_distance;
    std::fill(g, u, 0.0F);  // columns behind the last channel stay zero
    std::fill(u, u + wino::frequencies * u_distance, 0.0F);

    for (int first = 0; first < grid.count; first += step) {
      const int last = std::min(first + step, grid.count);
      transform_inputs(x, padding, grid, first, last, from, to, v, v_distance);
      transform_gradients(dy, grid, first, last, columns, g, g_distance);
      for (int f = 0; f < wino::frequencies; ++f) {
        for (int k = 0; k < columns; k += pass_columns) {
          multiply_rows<4, true>(width, v + f * v_distance, 1, width, g + f * g_distance + k, columns, last - first,
                                 u + f * u_distance + k, columns);
        }
      }
    }

    for (int c = from; c < std::min(to, channels); ++c) {
      for (int k = 0; k < wino::rounded(dy.extent.channels, lanes); k += lanes) {
        vec in[6];
        vec half[18];
        vec out[3];
        for (int s = 0; s < 6; ++s) {
          for (int r = 0; r < 6; ++r) { in[r] = load(u + (r * 6 + s) * u_distance + (c - from) * columns + k); }
          weight_transform_transposed(in, 1, out);
          for (int r = 0; r < 3; ++r) { half[r * 6 + s] = out[r]; }
        }
        for (int r = 0; r < 3; ++r) {
          weight_transform_transposed(half + r * 6, 1, out);
          for (int s = 0; s < 3; ++s) {
            float values[lanes];
            store(out[s], values);
            for (int lane = 0; lane < std::min(lanes, dy.extent.channels - k); ++lane) {
              dweight[((k + lane) * std::int64_t{channels} + c) * 9 + r * 3 + s] += values[lane];
            }
          }
        }
      }
    }
  });
}

/// G w Gᵀ for every pair of channels, packed; weight(k, c) points to the nine weights from input c to result k.
template <bool TurnedBy180, class Weight>
void winograd_pack(thread_pool& threads, int channels_in, int channels_out, Weight&& weight, float* packed) {
  constexpr float g[6][3] = {{1.0F / 4, 0, 0},
                             {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                             {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                             {1.0F / 24, 1.0F / 12, 1.0F / 6},
                             {1.0F / 24, -1.0F / 12, 1.0F / 6},
                             {0, 0, 1}};
  const int depth = wino::rounded(channels_in, 8);
  const int columns = wino::rounded(channels_out, panel);
  threads.run(columns / panel, [&](int task, int) {
    for (int c = 0; c < depth; ++c) {
      float u[wino::frequencies][panel] = {};
      for (int lane = 0; lane < panel; ++lane) {
        const int k = task * panel + lane;
        if (k >= channels_out || c >= channels_in) { continue; }
        const float* w = weight(k, c);
        float half[6][3];
        for (int r = 0; r < 6; ++r) {
          for (int s = 0; s < 3; ++s) {
            const auto at = [&](int row) { return TurnedBy180 ? w[8 - (row * 3 + s)] : w[row * 3 + s]; };
            half[r][s] = g[r][0] * at(0) + g[r][1] * at(1) + g[r][2] * at(2);
          }
        }
        for (int r = 0; r < 6; ++r) {
          for (int s = 0; s < 6; ++s) {
            u[r * 6 + s][lane] = half[r][0] * g[s][0] + half[r][1] * g[s][1] + half[r][2] * g[s][2];
          }
        }
      }
      for (int f = 0; f < wino::frequencies; ++f) {
        float* to = packed + (std::int64_t{f} * columns + task * panel) * depth + c * panel;
        std::copy(u[f], u[f] + panel, to);
      }
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
