#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/max_pool2d.hpp>
#include <segx/kernels/upsample2d.hpp>

/// Enlarging by a whole factor f. Nearest:  y[n,c,i,j] = x[n,c,⌊i/f⌋,⌊j/f⌋].  Bilinear, with (low, high, share) of row
/// i and of column j as `upsample2d_axis` says, first down and then across:
///
///   left, right = x[low row] + row share · (x[high row] − x[low row])   in the low and the high column
///   y[n,c,i,j]  = left + column share · (right − left)
///
/// Backward passes are the transposed maps. Lanes are channels. A task is a band of rows of one image; backward from
/// bilinear a block of channels, as what two rows of dy give to the same row of dx is added in the same task.
namespace segx::simd::HWY_NAMESPACE {

inline void upsample_nearest_forward(cpu& on, int factor, const forward_pass<float>& f) {
  const shape x = f.x[0].extent;
  const shape y = f.y.extent;
  for_each_row(on.threads, f.y.batch, y, row_tasks::bands, [&](int n, int block, int i) {
    const float* from = f.x[0].image(n) + (block * x.plane() + std::int64_t{i / factor} * x.width) * channel_block;
    float* to = f.y.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    for (int j = 0; j < x.width; ++j, from += channel_block) {
      for (int s = 0; s < factor; ++s, to += channel_block) {
        for (int slice = 0; slice < channel_block; slice += lanes) { store(load(from + slice), to + slice); }
      }
    }
  });
}

/// The sum of the square that each pixel became.
inline void upsample_nearest_backward(cpu& on, int factor, const backward_pass<float>& b) {
  const shape x = b.dx[0].extent;
  const shape y = b.dy.extent;
  for_each_row(on.threads, b.dy.batch, x, row_tasks::bands, [&](int n, int block, int i) {
    float* to = b.dx[0].image(n) + (block * x.plane() + std::int64_t{i} * x.width) * channel_block;
    const float* from = b.dy.image(n) + (block * y.plane() + std::int64_t{i} * factor * y.width) * channel_block;
    for (int j = 0; j < x.width; ++j, to += channel_block, from += factor * channel_block) {
      for (int slice = 0; slice < channel_block; slice += lanes) {
        vec sum = b.adds[0] ? load(to + slice) : zero();
        for_each_pixel_of({0, factor}, {0, factor}, y.width,
                          [&](std::int64_t at) SEGX_INLINED { sum = hn::Add(sum, load(from + at + slice)); });
        store(sum, to + slice);
      }
    }
  });
}

inline void upsample_bilinear_forward(cpu& on, const upsample2d_geometry& g, const forward_pass<float>& f) {
  const shape x = f.x[0].extent;
  const shape y = f.y.extent;
  const upsample2d_axis rows{g, x.height};
  const upsample2d_axis columns{g, x.width};
  for_each_row(on.threads, f.y.batch, y, row_tasks::bands, [&](int n, int block, int i) {
    const upsample2d_source row = rows(i);
    const float* plane = f.x[0].image(n) + block * x.plane() * channel_block;
    const float* above = plane + std::int64_t{row.low} * x.width * channel_block;
    const float* below = plane + std::int64_t{row.high} * x.width * channel_block;
    const vec down = all(static_cast<float>(row.share));
    float* to = f.y.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    for (int j = 0; j < y.width; ++j, to += channel_block) {
      const upsample2d_source column = columns(j);
      const vec right = all(static_cast<float>(column.share));
      for (int slice = 0; slice < channel_block; slice += lanes) {
        const auto between = [&](const float* low_row, const float* high_row, vec share) SEGX_INLINED {
          return hn::MulAdd(share, hn::Sub(load(high_row), load(low_row)), load(low_row));
        };
        const std::int64_t low = std::int64_t{column.low} * channel_block + slice;
        const std::int64_t high = std::int64_t{column.high} * channel_block + slice;
        const vec left_value = between(above + low, below + low, down);
        const vec right_value = between(above + high, below + high, down);
        store(hn::MulAdd(right, hn::Sub(right_value, left_value), left_value), to + slice);
      }
    }
  });
}

/// What a row of dy gives to a column of x is gathered in registers, and then shared among two rows of dx.
inline void upsample_bilinear_backward(cpu& on, const upsample2d_geometry& g, const backward_pass<float>& b) {
  const shape x = b.dx[0].extent;
  const shape y = b.dy.extent;
  const upsample2d_axis rows{g, x.height};
  const upsample2d_axis columns{g, x.width};
  for_each_row(on.threads, b.dy.batch, y, row_tasks::blocks, [&](int n, int block, int i) {
    float* plane = b.dx[0].image(n) + block * x.plane() * channel_block;
    if (i == 0 && !b.adds[0]) { std::fill_n(plane, x.plane() * channel_block, 0.0F); }
    const upsample2d_source row = rows(i);
    float* above = plane + std::int64_t{row.low} * x.width * channel_block;
    float* below = plane + std::int64_t{row.high} * x.width * channel_block;
    const vec down = all(static_cast<float>(row.share));
    for (int slice = 0; slice < channel_block; slice += lanes) {
      const auto give = [&](int column, vec gradient) SEGX_INLINED {
        float* upper = above + std::int64_t{column} * channel_block + slice;
        float* lower = below + std::int64_t{column} * channel_block + slice;
        const vec share = hn::Mul(gradient, down);
        store(hn::Add(load(upper), hn::Sub(gradient, share)), upper);
        store(hn::Add(load(lower), share), lower);
      };
      const float* dy = b.dy.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block + slice;
      int here = 0;  // the column that `left` is for; `right` is for the next one
      vec left = zero();
      vec right = zero();
      for (int j = 0; j < y.width; ++j, dy += channel_block) {
        const upsample2d_source column = columns(j);
        if (column.low > here) {
          give(here++, left);
          left = right;
          right = zero();
        }
        const vec share = hn::Mul(load(dy), all(static_cast<float>(column.share)));
        left = hn::Add(left, hn::Sub(load(dy), share));
        right = hn::Add(right, share);
      }
      if (here + 1 < x.width) {
        give(here, left);
        give(here + 1, right);
      } else {
        give(here, hn::Add(left, right));
      }
    }
  });
}

[[gnu::noinline]] inline void upsample2d_forward(cpu& on, const upsample2d_geometry& g, const forward_pass<float>& f) {
  if (!cpu::memory.is_blocked(f.y.extent)) { return segx::upsample2d_forward<float, cpu::memory>(on, g, f); }
  if (g.mode == interpolation::nearest) { return upsample_nearest_forward(on, g.factor, f); }
  upsample_bilinear_forward(on, g, f);
}

[[gnu::noinline]] inline void upsample2d_backward(cpu& on, const upsample2d_geometry& g,
                                                  const backward_pass<float>& b) {
  if (!b.dx[0]) { return; }
  if (!cpu::memory.is_blocked(b.dy.extent)) { return segx::upsample2d_backward<float, cpu::memory>(on, g, b); }
  if (g.mode == interpolation::nearest) { return upsample_nearest_backward(on, g.factor, b); }
  upsample_bilinear_backward(on, g, b);
}

}  // namespace segx::simd::HWY_NAMESPACE
