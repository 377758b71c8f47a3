#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/avg_pool2d.hpp>
#include <segx/kernels/cpu/max_pool2d.hpp>

/// Average pooling:  y[n,c,i,j] = Σ x[n,c,h,w] / count  over the pixels (h, w) of window (i, j) that lie in the image,
/// and dx[n,c,h,w] = Σ dy[n,c,i,j] / count  over the windows that have the pixel.
///
/// Lanes are channels, so a window is a sum of vectors in a register. A task is a band of rows of one image; backward
/// a block of channels, as windows that share pixels add to dx in the same task.
namespace segx::simd::HWY_NAMESPACE {

[[gnu::noinline]] inline void avg_pool2d_forward(cpu& on, const avg_pool2d_geometry& g, const forward_pass<float>& f) {
  const shape x = f.x[0].extent;
  const shape y = f.y.extent;
  if (!cpu::memory.is_blocked(y)) { return segx::avg_pool2d_forward<float, cpu::memory>(on, g, f); }
  for_each_row(on.threads, f.y.batch, y, row_tasks::bands, [&](int n, int block, int i) {
    const float* from = f.x[0].image(n) + block * x.plane() * channel_block;
    float* to = f.y.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    const pixel_range rows = g.window(i, x.height, y.height);
    for (int j = 0; j < y.width; ++j) {
      const pixel_range columns = g.window(j, x.width, y.width);
      const vec share = all(1 / static_cast<float>(g.count(rows, columns)));
      for (int slice = 0; slice < channel_block; slice += lanes) {
        vec sum = zero();
        for_each_pixel_of(rows, columns, x.width,
                          [&](std::int64_t at) SEGX_INLINED { sum = hn::Add(sum, load(from + at + slice)); });
        store(hn::Mul(sum, share), to + j * channel_block + slice);
      }
    }
  });
}

[[gnu::noinline]] inline void avg_pool2d_backward(cpu& on, const avg_pool2d_geometry& g,
                                                  const backward_pass<float>& b) {
  if (!b.dx[0]) { return; }
  const shape x = b.dx[0].extent;
  const shape y = b.dy.extent;
  if (!cpu::memory.is_blocked(y)) { return segx::avg_pool2d_backward<float, cpu::memory>(on, g, b); }
  for_each_row(on.threads, b.dy.batch, y, row_tasks::blocks, [&](int n, int block, int i) {
    float* to = b.dx[0].image(n) + block * x.plane() * channel_block;
    const float* dy = b.dy.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    if (i == 0 && !b.adds[0]) { std::fill_n(to, x.plane() * channel_block, 0.0F); }
    const pixel_range rows = g.window(i, x.height, y.height);
    for (int j = 0; j < y.width; ++j) {
      const pixel_range columns = g.window(j, x.width, y.width);
      const vec share = all(1 / static_cast<float>(g.count(rows, columns)));
      for (int slice = 0; slice < channel_block; slice += lanes) {
        const vec gradient = hn::Mul(load(dy + j * channel_block + slice), share);
        for_each_pixel_of(rows, columns, x.width, [&](std::int64_t at) SEGX_INLINED {
          store(hn::Add(load(to + at + slice), gradient), to + at + slice);
        });
      }
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
