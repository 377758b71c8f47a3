#pragma once

#include <cstdint>

#include <segx/kernels/cpu/simd.hpp>

namespace segx::simd::HWY_NAMESPACE {

/// Calls body(image, block, row) for every row of blocks of a blocked tensor, in threads.
template <class Body>
void for_each_row(thread_pool& threads, int batch, shape s, Body&& body) {
  const int blocks = (s.channels + channel_block - 1) / channel_block;
  threads.run(batch * blocks, [&](int task, int) {
    for (int i = 0; i < s.height; ++i) { body(task / blocks, task % blocks, i); }
  });
}

[[gnu::noinline]] inline void max_pool2d_forward(cpu& on, const max_pool2d_geometry& g, const forward_pass<float>& f) {
  const shape x = f.x[0].extent;
  const shape y = f.y.extent;
  if (!cpu::memory.is_blocked(y)) { return segx::max_pool2d_forward<float, cpu::memory>(on, g, f); }
  for_each_row(on.threads, f.y.batch, y, [&](int n, int block, int i) {
    const float* from = f.x[0].image(n) + (block * x.plane() + std::int64_t{i} * g.window * x.width) * channel_block;
    float* to = f.y.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    for (int j = 0; j < y.width; ++j) {
      for (int slice = 0; slice < channel_block; slice += lanes) {
        const float* window = from + j * g.window * channel_block + slice;
        vec best = load(window);
        for (int r = 0; r < g.window; ++r) {
          for (int s = 0; s < g.window; ++s) {
            best = hn::Max(best, load(window + (std::int64_t{r} * x.width + s) * channel_block));
          }
        }
        store(best, to + j * channel_block + slice);
      }
    }
  });
}

[[gnu::noinline]] inline void max_pool2d_backward(cpu& on, const max_pool2d_geometry& g,
                                                  const backward_pass<float>& b) {
  const shape x = b.x[0].extent;
  const shape y = b.dy.extent;
  if (!b.dx[0]) { return; }
  if (!cpu::memory.is_blocked(y)) { return segx::max_pool2d_backward<float, cpu::memory>(on, g, b); }
  for_each_row(on.threads, b.dy.batch, y, [&](int n, int block, int i) {
    const std::int64_t window_row = (block * x.plane() + std::int64_t{i} * g.window * x.width) * channel_block;
    const float* from = b.x[0].image(n) + window_row;
    float* to = b.dx[0].image(n) + window_row;
    const float* dy = b.dy.image(n) + (block * y.plane() + std::int64_t{i} * y.width) * channel_block;
    for (int j = 0; j < y.width; ++j) {
      for (int slice = 0; slice < channel_block; slice += lanes) {
        const std::int64_t window = std::int64_t{j} * g.window * channel_block + slice;
        const auto at = [&](int r, int s) { return window + (std::int64_t{r} * x.width + s) * channel_block; };
        vec best = load(from + window);
        for (int r = 0; r < g.window; ++r) {
          for (int s = 0; s < g.window; ++s) { best = hn::Max(best, load(from + at(r, s))); }
        }
        vec left = load(dy + j * channel_block + slice);  // until the first largest value has taken it
        for (int r = 0; r < g.window; ++r) {
          for (int s = 0; s < g.window; ++s) {
            const auto is_best = hn::Eq(load(from + at(r, s)), best);
            const vec gradient = hn::IfThenElseZero(is_best, left);
            left = hn::IfThenZeroElse(is_best, left);
            float* dx = to + at(r, s);
            store(b.adds[0] ? hn::Add(load(dx), gradient) : gradient, dx);
          }
        }
      }
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
