#pragma once

#include <cstddef>
#include <cstdint>

#include <segx/kernels/cpu/squeeze_excite.hpp>
#include <segx/kernels/plane_scale.hpp>

/// Each pixel times a factor of its own, the same for all channels:
///
///   y[n,c,i,j] = then(x[n,c,i,j] · factor[n,i,j]);  dx = dy · factor;  dfactor[n,i,j] = Σ_c x[n,c,i,j] · dy[n,c,i,j]
///
/// The factors are one channel, which is not blocked: [H][W]. Lanes are channels, so a factor is the same in all. A
/// task of y and dx is a block of channels of one image; of dfactor, which sums over all blocks, a row of one image.
namespace segx::simd::HWY_NAMESPACE {

[[gnu::noinline]] inline void plane_scale_forward(cpu& on, const forward_pass<float>& f) {
  const shape s = f.y.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::plane_scale_forward<float, cpu::memory>(on, f); }
  const vector_epilogue then{f.then, f.seed, s.plane()};
  for_each_channel_slice(on.threads, f.y.batch, s, [&](int n, std::int64_t plane, std::int64_t, int channel) {
    const float* x = f.x[0].image(n) + plane;
    const float* factor = f.x[1].image(n);
    float* y = f.y.image(n) + plane;
    auto index = static_cast<std::uint32_t>((std::int64_t{n} * s.channels + channel) * s.plane());
    for (std::int64_t pixel = 0; pixel < s.plane(); ++pixel, ++index) {
      store(then(hn::Mul(load(x + pixel * channel_block), all(factor[pixel])), index), y + pixel * channel_block);
    }
  });
}

/// Σ x·dy over the channels of each pixel of a row.
inline void plane_scale_factor_gradient(cpu& on, const backward_pass<float>& b) {
  const shape s = b.dy.extent;
  on.threads.run(b.dy.batch * s.height, [&](int task, int) {
    const int n = task / s.height;
    const std::int64_t row = std::int64_t{task % s.height} * s.width;
    float* to = b.dx[1].image(n) + row;
    for (int j = 0; j < s.width; ++j) {
      vec sum = zero();
      for (int channel = 0; channel < s.channels; channel += lanes) {
        const std::int64_t at = channel_offset(s, channel) + (row + j) * channel_block;
        const vec product = hn::Mul(load(b.x[0].image(n) + at), load(b.dy.image(n) + at));
        const auto there = hn::FirstN(tag{}, static_cast<std::size_t>(s.channels - channel));
        sum = hn::Add(sum, hn::IfThenElseZero(there, product));
      }
      const float value = hn::GetLane(hn::SumOfLanes(tag{}, sum));
      to[j] = b.adds[1] ? to[j] + value : value;
    }
  });
}

[[gnu::noinline]] inline void plane_scale_backward(cpu& on, const backward_pass<float>& b) {
  const shape s = b.dy.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::plane_scale_backward<float, cpu::memory>(on, b); }
  if (b.dx[1]) { plane_scale_factor_gradient(on, b); }
  if (!b.dx[0]) { return; }
  for_each_channel_slice(on.threads, b.dy.batch, s, [&](int n, std::int64_t plane, std::int64_t, int) {
    const float* factor = b.x[1].image(n);
    const float* dy = b.dy.image(n) + plane;
    float* dx = b.dx[0].image(n) + plane;
    for (std::int64_t pixel = 0; pixel < s.plane(); ++pixel) {
      const vec value = hn::Mul(load(dy + pixel * channel_block), all(factor[pixel]));
      float* to = dx + pixel * channel_block;
      put_gradient(b.adds[0], value, to);
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
