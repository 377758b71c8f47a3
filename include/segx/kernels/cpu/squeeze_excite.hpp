#pragma once

#include <cstdint>

#include <segx/kernels/channel_scale.hpp>
#include <segx/kernels/cpu/simd.hpp>
#include <segx/kernels/global_avg_pool2d.hpp>

/// What squeeze-and-excitation needs: means of channels, and channels times factors. Tasks are blocks of channels.
namespace segx::simd::HWY_NAMESPACE {

/// Calls body(n, offset of the block's plane, offset of the block's pixel in a tensor of one pixel, first channel) for
/// every slice of channels.
template <class Body>
void for_each_channel_slice(thread_pool& threads, int batch, shape s, Body&& body) {
  const int blocks = blocks_of(s.channels);
  threads.run(batch * blocks, [&](int task, int) {
    const std::int64_t block = task % blocks;
    for (int slice = 0; slice < channel_block; slice += lanes) {
      const std::int64_t channel = block * channel_block + slice;
      body(task / blocks, block * s.plane() * channel_block + slice, channel, static_cast<int>(channel));
    }
  });
}

/// Σ term(first float of a pixel's slice) over the pixels of a plane; row by row, so that long sums keep their digits.
template <class Term>
HWY_INLINE vec sum_of_plane(shape s, Term&& term) {
  vec total = zero();
  std::int64_t at = 0;
  for (int i = 0; i < s.height; ++i) {
    vec row = zero();
    for (int j = 0; j < s.width; ++j, at += channel_block) { row = hn::Add(row, term(at)); }
    total = hn::Add(total, row);
  }
  return total;
}

[[gnu::noinline]] inline void global_avg_pool2d_forward(cpu& on, const forward_pass<float>& f) {
  const shape s = f.x[0].extent;
  if (!cpu::memory.is_blocked(s)) { return segx::global_avg_pool2d_forward<float, cpu::memory>(on, f); }
  const vec share = all(1 / static_cast<float>(s.plane()));
  for_each_channel_slice(on.threads, f.y.batch, s, [&](int n, std::int64_t plane, std::int64_t pixel, int) {
    const float* x = f.x[0].image(n) + plane;
    store(hn::Mul(sum_of_plane(s, [x](std::int64_t at) SEGX_INLINED { return load(x + at); }), share),
          f.y.image(n) + pixel);
  });
}

[[gnu::noinline]] inline void global_avg_pool2d_backward(cpu& on, const backward_pass<float>& b) {
  if (!b.dx[0]) { return; }
  const shape s = b.dx[0].extent;
  if (!cpu::memory.is_blocked(s)) { return segx::global_avg_pool2d_backward<float, cpu::memory>(on, b); }
  const vec share = all(1 / static_cast<float>(s.plane()));
  for_each_channel_slice(on.threads, b.dy.batch, s, [&](int n, std::int64_t plane, std::int64_t pixel, int) {
    const vec value = hn::Mul(load(b.dy.image(n) + pixel), share);
    float* dx = b.dx[0].image(n) + plane;
    for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block) {
      put_gradient(b.adds[0], value, dx + at);
    }
  });
}

[[gnu::noinline]] inline void channel_scale_forward(cpu& on, const forward_pass<float>& f) {
  const shape s = f.y.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::channel_scale_forward<float, cpu::memory>(on, f); }
  const vector_epilogue then{f.then, f.seed, s.plane()};
  for_each_channel_slice(on.threads, f.y.batch, s, [&](int n, std::int64_t plane, std::int64_t pixel, int channel) {
    const vec factor = load(f.x[1].image(n) + pixel);
    const float* x = f.x[0].image(n) + plane;
    float* y = f.y.image(n) + plane;
    auto index = static_cast<std::uint32_t>((std::int64_t{n} * s.channels + channel) * s.plane());
    for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block, ++index) {
      store(then(hn::Mul(load(x + at), factor), index), y + at);
    }
  });
}

[[gnu::noinline]] inline void channel_scale_backward(cpu& on, const backward_pass<float>& b) {
  const shape s = b.dy.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::channel_scale_backward<float, cpu::memory>(on, b); }
  for_each_channel_slice(on.threads, b.dy.batch, s, [&](int n, std::int64_t plane, std::int64_t pixel, int) {
    const float* dy = b.dy.image(n) + plane;
    if (b.dx[0]) {
      const vec factor = load(b.x[1].image(n) + pixel);
      float* dx = b.dx[0].image(n) + plane;
      for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block) {
        const vec value = hn::Mul(load(dy + at), factor);
        put_gradient(b.adds[0], value, dx + at);
      }
    }
    if (b.dx[1]) {
      const float* x = b.x[0].image(n) + plane;
      const vec sum =
          sum_of_plane(s, [x, dy](std::int64_t at) SEGX_INLINED { return hn::Mul(load(x + at), load(dy + at)); });
      float* to = b.dx[1].image(n) + pixel;
      put_gradient(b.adds[1], sum, to);
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
