#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include <segx/kernels/cpu/simd.hpp>
#include <segx/kernels/max_pool2d.hpp>

/// Max pooling:  y[n,c,i,j] = max x[n,c,h,w]  over the pixels (h, w) of window (i, j) that lie in the image; NaN where
/// one is. Its gradient goes to the first largest value of the window, row by row (with a NaN, to any or none), which
/// is looked for again: nothing is kept from the forward pass.
///
/// Lanes are channels, so the largest of a window is a vector in a register. A task is a band of rows of one image;
/// backward, where windows share pixels, a block of channels, so that they add to dx in the same task. Where windows
/// are tiles, each pixel of dx is written once.
namespace segx::simd::HWY_NAMESPACE {

/// What a task of `for_each_row` is: some rows of all blocks of an image, as in the layers before and behind, or, where
/// rows add to the same results, all rows of a block.
enum class row_tasks { bands, blocks };

/// Calls body(image, block, row) for every row of blocks of a blocked tensor, in threads.
template <class Body>
void for_each_row(thread_pool& threads, int batch, shape s, row_tasks tasks, Body&& body) {
  const int blocks = blocks_of(s.channels);
  const bool in_bands = tasks == row_tasks::bands;
  const int bands = in_bands && threads.size() > 1 ? std::min(4 * threads.size(), s.height) : 1;
  const int parts = in_bands ? 1 : blocks;
  threads.run(batch * bands * parts, [&](int task, int) {
    const int part = task % parts;
    const int band = task / parts % bands;
    for (int block = blocks * part / parts; block < blocks * (part + 1) / parts; ++block) {
      for (int i = s.height * band / bands; i < s.height * (band + 1) / bands; ++i) {
        body(task / parts / bands, block, i);
      }
    }
  });
}

/// Calls use(offset of a pixel in its plane) for the pixels of a window.
template <class Use>
HWY_INLINE void for_each_pixel_of(pixel_range rows, pixel_range columns, int width, Use&& use) {
  const std::int64_t below = std::int64_t{width} * channel_block;
  std::int64_t row = (std::int64_t{rows.begin} * width + columns.begin) * channel_block;
  if (rows.count() == 2 && columns.count() == 2) {  // most windows there are
    use(row);
    use(row + channel_block);
    use(row + below);
    use(row + below + channel_block);
    return;
  }
  for (int r = rows.count(); r > 0; --r, row += below) {
    std::int64_t at = row;
    for (int s = columns.count(); s > 0; --s, at += channel_block) { use(at); }
  }
}

[[gnu::noinline]] inline void max_pool2d_forward(cpu& on, const pool2d_geometry& g, const forward_pass<float>& f) {
  const shape x = f.x[0].extent;
  const shape y = f.y.extent;
  if (!cpu::memory.is_blocked(y)) { return segx::max_pool2d_forward<float, cpu::memory>(on, g, f); }
  for_each_row(on.threads, f.y.batch, y, row_tasks::bands, [&](int n, int block, int i) {
    const float* from = f.x[0].image(n) + block * x.plane() * channel_block;
    float* to = f.y.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    const pixel_range rows = g.window(i, x.height);
    for (int j = 0; j < y.width; ++j) {
      const pixel_range columns = g.window(j, x.width);
      for (int slice = 0; slice < channel_block; slice += lanes) {
        vec best = all(-std::numeric_limits<float>::infinity());
        for_each_pixel_of(rows, columns, x.width,
                          [&](std::int64_t at) SEGX_INLINED { best = larger(best, load(from + at + slice)); });
        store(best, to + j * channel_block + slice);
      }
    }
  });
}

[[gnu::noinline]] inline void max_pool2d_backward(cpu& on, const pool2d_geometry& g, const backward_pass<float>& b) {
  const shape x = b.x[0].extent;
  const shape y = b.dy.extent;
  if (!b.dx[0]) { return; }
  if (!cpu::memory.is_blocked(y)) { return segx::max_pool2d_backward<float, cpu::memory>(on, g, b); }
  const bool adds = b.adds[0] || !g.is_tiling();  // to zeros, where nobody wrote before
  const row_tasks tasks = g.is_tiling() ? row_tasks::bands : row_tasks::blocks;
  for_each_row(on.threads, b.dy.batch, y, tasks, [&](int n, int block, int i) {
    const float* from = b.x[0].image(n) + block * x.plane() * channel_block;
    float* to = b.dx[0].image(n) + block * x.plane() * channel_block;
    const float* dy = b.dy.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    if (i == 0 && adds && !b.adds[0]) { std::fill_n(to, x.plane() * channel_block, 0.0F); }
    const pixel_range rows = g.window(i, x.height);
    for (int j = 0; j < y.width; ++j) {
      const pixel_range columns = g.window(j, x.width);
      for (int slice = 0; slice < channel_block; slice += lanes) {
        vec best = all(-std::numeric_limits<float>::infinity());
        for_each_pixel_of(rows, columns, x.width,
                          [&](std::int64_t at) SEGX_INLINED { best = hn::Max(best, load(from + at + slice)); });
        vec left = load(dy + j * channel_block + slice);  // until the first largest value has taken it
        for_each_pixel_of(rows, columns, x.width, [&](std::int64_t at) SEGX_INLINED {
          const auto is_best = hn::Eq(load(from + at + slice), best);
          const vec gradient = hn::IfThenElseZero(is_best, left);
          left = hn::IfThenZeroElse(is_best, left);
          float* dx = to + at + slice;
          const vec sum = adds ? hn::Add(load(dx), gradient) : gradient;
          store(b.relu_scale > 0 ? in_front_of_relu(load(from + at + slice), sum, b.relu_scale) : sum, dx);
        });
      }
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
