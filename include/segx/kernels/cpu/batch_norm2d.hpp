#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <segx/kernels/batch_norm2d.hpp>
#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/squeeze_excite.hpp>

/// Batch normalisation of each channel over images and pixels, M values:
///
///   x̂ = (x − mean) / √(variance + ε)     y = γ·x̂ + β     dβ = Σ dy     dγ = Σ dy·x̂
///   dx = γ / √(variance + ε) · (dy − dβ/M − x̂·dγ/M)
///
/// Three sweeps over memory forward (mean, variance, results) and three backward. Tasks are blocks of channels over all
/// images, so that sums are the same for any number of threads.
namespace segx::simd::HWY_NAMESPACE {

/// Calls body(first float of a slice within an image, first channel, channels of it that there are) for every slice of
/// channels of a blocked tensor, in threads; tasks run in order, as some pass a turnstile.
template <class Body>
void for_each_slice_of_channels(thread_pool& threads, shape s, Body&& body) {
  const int blocks = blocks_of(s.channels);
  threads.run_in_order(blocks, [&](int block, int) {
    for (int slice = 0; slice < channel_block; slice += lanes) {
      const int channel = block * channel_block + slice;
      body(block * s.plane() * channel_block + slice, channel, std::clamp(s.channels - channel, 0, lanes));
    }
  });
}

/// The lanes of a vector from `count` values, the others zero.
inline vec load_some(const float* values, int count) {
  float all_lanes[lanes] = {};
  std::copy_n(values, count, all_lanes);
  return load(all_lanes);
}
inline void store_some(vec v, float* values, int count) {
  float all_lanes[lanes];
  store(v, all_lanes);
  std::copy_n(all_lanes, count, values);
}

/// Sums over images in double, which holds what a vector of floats gathers of one plane.
struct lane_sums {
  double of[lanes] = {};

  void add(vec v) {
    float values[lanes];
    store(v, values);
    for (int lane = 0; lane < lanes; ++lane) { of[lane] += values[lane]; }
  }
  vec over(double count) const {
    float values[lanes];
    for (int lane = 0; lane < lanes; ++lane) { values[lane] = static_cast<float>(of[lane] / count); }
    return load(values);
  }
};

[[gnu::noinline]] inline void batch_norm2d_forward(cpu& on, const batch_norm2d_geometry& g,
                                                   const forward_pass<float>& f) {
  const shape s = f.y.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::batch_norm2d_forward<float, cpu::memory>(on, g, f); }
  const double count = static_cast<double>(f.y.batch) * static_cast<double>(s.plane());
  const vector_epilogue then{f.then, f.seed, s.plane()};
  for_each_slice_of_channels(on.threads, s, [&](std::int64_t slice, int channel, int there) {
    vec mean = load_some(f.parameters[2] + channel, there);
    vec variance = load_some(f.parameters[3] + channel, there);
    if (f.batch_statistics) {
      lane_sums sums;
      for (int n = 0; n < f.y.batch; ++n) {
        const float* x = f.x[0].image(n) + slice;
        sums.add(sum_of_plane(s, [x](std::int64_t at) SEGX_INLINED { return load(x + at); }));
      }
      mean = sums.over(count);
      lane_sums squares;  // of differences: squares of the values would cancel
      for (int n = 0; n < f.y.batch; ++n) {
        const float* x = f.x[0].image(n) + slice;
        squares.add(sum_of_plane(s, [x, mean](std::int64_t at) SEGX_INLINED {
          const vec difference = hn::Sub(load(x + at), mean);
          return hn::Mul(difference, difference);
        }));
      }
      variance = squares.over(count);
    }
    const vec scale = hn::Div(all(1), hn::Sqrt(hn::Add(variance, all(static_cast<float>(g.epsilon)))));
    if (f.kept) {
      store_some(mean, f.kept.of(0) + channel, there);
      store_some(scale, f.kept.of(0) + s.channels + channel, there);
    }
    const vec factor = hn::Mul(scale, load_some(f.parameters[0] + channel, there));
    const vec summand = hn::NegMulAdd(mean, factor, load_some(f.parameters[1] + channel, there));
    for (int n = 0; n < f.y.batch; ++n) {
      const float* x = f.x[0].image(n) + slice;
      float* y = f.y.image(n) + slice;
      auto index = static_cast<std::uint32_t>((std::int64_t{n} * s.channels + channel) * s.plane());
      for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block, ++index) {
        store(then(hn::MulAdd(load(x + at), factor, summand), index), y + at);
      }
    }
  });
}

[[gnu::noinline]] inline void batch_norm2d_backward(cpu& on, const batch_norm2d_geometry& g,
                                                    const backward_pass<float>& b) {
  const shape s = b.dy.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::batch_norm2d_backward<float, cpu::memory>(on, g, b); }
  const double count = static_cast<double>(b.dy.batch) * static_cast<double>(s.plane());
  for_each_slice_of_channels(on.threads, s, [&](std::int64_t slice, int channel, int there) {
    const float* kept = b.kept.of(0) + channel;
    const vec mean = load_some(kept, there);
    const vec scale = load_some(kept + s.channels, there);
    lane_sums gradients;  // Σ dy
    lane_sums products;   // Σ dy·x̂
    for (int n = 0; n < b.dy.batch; ++n) {
      const float* x = b.x[0].image(n) + slice;
      const float* dy = b.dy.image(n) + slice;
      gradients.add(sum_of_plane(s, [dy](std::int64_t at) SEGX_INLINED { return load(dy + at); }));
      products.add(sum_of_plane(s, [x, dy, mean, scale](std::int64_t at) SEGX_INLINED {
        return hn::Mul(load(dy + at), hn::Mul(hn::Sub(load(x + at), mean), scale));
      }));
    }
    for (int lane = 0; lane < there; ++lane) {
      const int c = channel + lane;
      b.dparameters[0][c] += static_cast<float>(products.of[lane]);
      b.dparameters[1][c] += static_cast<float>(gradients.of[lane]);
      if (!b.batch_statistics) { continue; }
      const double inverse = kept[s.channels + lane];
      const double unbiased = (1 / (inverse * inverse) - g.epsilon) * count / std::max(count - 1, 1.0);
      b.dparameters[2][c] += static_cast<float>(g.momentum * (b.parameters[2][c] - kept[lane]));
      b.dparameters[3][c] += static_cast<float>(g.momentum * (b.parameters[3][c] - unbiased));
    }
    if (!b.dx[0]) { return; }
    const vec factor = hn::Mul(scale, load_some(b.parameters[0] + channel, there));
    const vec gradient_mean = b.batch_statistics ? gradients.over(count) : zero();
    const vec product_mean = hn::Mul(b.batch_statistics ? products.over(count) : zero(), scale);
    for (int n = 0; n < b.dy.batch; ++n) {
      const float* x = b.x[0].image(n) + slice;
      const float* dy = b.dy.image(n) + slice;
      float* dx = b.dx[0].image(n) + slice;
      for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block) {
        const vec centred = hn::Sub(load(x + at), mean);
        const vec change = hn::NegMulAdd(centred, product_mean, hn::Sub(load(dy + at), gradient_mean));
        const vec value = hn::Mul(factor, change);
        put_gradient(b.adds[0], value, dx + at);
      }
    }
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
