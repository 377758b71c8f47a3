#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/batch_norm2d.hpp>
#include <segx/kernels/prelu.hpp>

/// ReLU with a learned slope:  y = max(x, 0) + slope[c] · min(x, 0);  dslope[c] += Σ dy · min(x, 0);
/// dx = dy where x > 0, and slope[c] · dy elsewhere.
///
/// Lanes are channels. A task is a block of channels: of one image forward, of all backward, so that each sum is that
/// of one task. A slope that channels share takes their sums in the order of channels, and so is the same for any
/// number of threads. A plane's sum comes before its dx, which may stand where dy does.
namespace segx::simd::HWY_NAMESPACE {

/// The slopes of channels that are neighbours, `there` of them.
inline vec slopes(const prelu_geometry& g, const float* slope, int channel, int there) {
  return g.shared ? all(*slope) : load_some(slope + channel, there);
}

[[gnu::noinline]] inline void prelu_forward(cpu& on, const prelu_geometry& g, const forward_pass<float>& f) {
  const shape s = f.y.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::prelu_forward<float, cpu::memory>(on, g, f); }
  for_each_channel_slice(on.threads, f.y.batch, s, [&](int n, std::int64_t plane, std::int64_t, int channel) {
    const vec slope = slopes(g, f.parameters[0], channel, std::clamp(s.channels - channel, 0, lanes));
    const float* x = f.x[0].image(n) + plane;
    float* y = f.y.image(n) + plane;
    for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block) {
      const vec value = load(x + at);
      store(hn::MulAdd(slope, at_most(zero(), value), at_least(zero(), value)), y + at);
    }
  });
}

[[gnu::noinline]] inline void prelu_backward(cpu& on, const prelu_geometry& g, const backward_pass<float>& b) {
  const shape s = b.dy.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::prelu_backward<float, cpu::memory>(on, g, b); }
  turnstile channels_in_order;
  for_each_slice_of_channels(on.threads, s, [&](std::int64_t slice, int channel, int there) {
    const vec slope = slopes(g, b.parameters[0], channel, there);
    lane_sums products;  // Σ dy·min(x, 0)
    for (int n = 0; n < b.dy.batch; ++n) {
      const float* x = b.x[0].image(n) + slice;
      const float* dy = b.dy.image(n) + slice;
      products.add(sum_of_plane(
          s, [x, dy](std::int64_t at) SEGX_INLINED { return hn::Mul(load(dy + at), at_most(zero(), load(x + at))); }));
      if (!b.dx[0]) { continue; }
      float* dx = b.dx[0].image(n) + slice;
      for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block) {
        const vec gradient = load(dy + at);
        const vec value = hn::IfThenElse(hn::Gt(load(x + at), zero()), gradient, hn::Mul(slope, gradient));
        put_gradient(b.adds[0], value, dx + at);
      }
    }
    channels_in_order.pass(channel / lanes, [&] {  // for the slope that they may share
      for (int lane = 0; lane < there; ++lane) {
        b.dparameters[0][g.slope_of(channel + lane)] += static_cast<float>(products.of[lane]);
      }
    });
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
