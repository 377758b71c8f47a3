#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include <segx/kernels/cpu/batch_norm2d.hpp>
#include <segx/kernels/group_norm2d.hpp>

/// Group and instance normalisation. A task is the smallest number of whole blocks of one image that holds whole
/// groups. Sums are those of channels, as lanes are; groups are made of them.
namespace segx::simd::HWY_NAMESPACE {

/// Calls body(n, first channel, end, task, thread) for every task, in threads; in order, as some pass a turnstile.
template <class Body>
void for_each_set_of_groups(thread_pool& threads, int batch, int channels, int channels_of_group, Body&& body) {
  const int set = std::lcm(channels_of_group, channel_block);
  const int sets = (channels + set - 1) / set;
  threads.run_in_order(batch * sets, [&](int task, int thread) {
    const int first = task % sets * set;
    body(task / sets, first, std::min(first + set, channels), task, thread);
  });
}

/// Calls body(first float of the slice within an image, its first channel, channels of it that there are).
template <class Body>
HWY_INLINE void for_each_slice_between(shape s, int first, int end, Body&& body) {
  for (int channel = first; channel < detail::whole_blocks(end); channel += lanes) {
    body(channel_offset(s, channel), channel, std::clamp(end - channel, 0, lanes));
  }
}

[[gnu::noinline]] inline void group_norm2d_forward(cpu& on, const group_norm2d_geometry& g,
                                                   const forward_pass<float>& f) {
  const shape s = f.y.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::group_norm2d_forward<float, cpu::memory>(on, g, f); }
  const int size = g.channels_of_group(s.channels);
  const auto pixels = static_cast<double>(s.plane());
  const vector_epilogue then{f.then, f.seed, s.plane()};
  for_each_set_of_groups(on.threads, f.y.batch, s.channels, size, [&](int n, int first, int end, int, int thread) {
    float* mean = f.kept ? f.kept.of(n) : f.scratch.of(thread);
    float* scale = mean + s.channels;
    const float* image = f.x[0].image(n);
    for_each_slice_between(s, first, end, [&](std::int64_t slice, int channel, int there) {
      const float* x = image + slice;
      const vec sum = sum_of_plane(s, [x](std::int64_t at) SEGX_INLINED { return load(x + at); });
      const vec centre = hn::Mul(sum, all(static_cast<float>(1 / pixels)));
      const vec squares = sum_of_plane(s, [x, centre](std::int64_t at) SEGX_INLINED {
        const vec difference = hn::Sub(load(x + at), centre);
        return hn::Mul(difference, difference);
      });
      store_some(centre, mean + channel, there);
      store_some(squares, scale + channel, there);
    });
    for (int c = first; c < end; c += size) {
      double group_mean = 0;
      for (int k = c; k < c + size; ++k) { group_mean += static_cast<double>(mean[k]) / size; }
      double variance = 0;  // within channels, and of their means
      for (int k = c; k < c + size; ++k) {
        const double difference = mean[k] - group_mean;
        variance += (scale[k] / pixels + difference * difference) / size;
      }
      std::fill_n(mean + c, size, static_cast<float>(group_mean));
      std::fill_n(scale + c, size, static_cast<float>(1 / std::sqrt(variance + g.epsilon)));
    }
    for_each_slice_between(s, first, end, [&](std::int64_t slice, int channel, int there) {
      vec factor = load_some(scale + channel, there);
      vec summand = zero();
      if (f.parameters[0] != nullptr) {
        factor = hn::Mul(factor, load_some(f.parameters[0] + channel, there));
        summand = load_some(f.parameters[1] + channel, there);
      }
      summand = hn::NegMulAdd(load_some(mean + channel, there), factor, summand);
      const float* x = image + slice;
      float* y = f.y.image(n) + slice;
      auto index = static_cast<std::uint32_t>((std::int64_t{n} * s.channels + channel) * s.plane());
      for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block, ++index) {
        store(then(hn::MulAdd(load(x + at), factor, summand), index), y + at);
      }
    });
  });
}

[[gnu::noinline]] inline void group_norm2d_backward(cpu& on, const group_norm2d_geometry& g,
                                                    const backward_pass<float>& b) {
  const shape s = b.dy.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::group_norm2d_backward<float, cpu::memory>(on, g, b); }
  const int size = g.channels_of_group(s.channels);
  const double count = static_cast<double>(size) * static_cast<double>(s.plane());
  const float* weight = b.parameters[0];
  turnstile images_in_order;
  for_each_set_of_groups(
      on.threads, b.dy.batch, s.channels, size, [&](int n, int first, int end, int task, int thread) {
        const float* mean = b.kept.of(n);
        const float* scale = mean + s.channels;
        float* gradients = b.scratch.of(thread);   // Σ dy of each channel, then the mean of γ·dy of its group
        float* products = gradients + s.channels;  // … and of dy·x̂
        for_each_slice_between(s, first, end, [&](std::int64_t slice, int channel, int there) {
          const float* x = b.x[0].image(n) + slice;
          const float* dy = b.dy.image(n) + slice;
          const vec centre = load_some(mean + channel, there);
          const vec sum = sum_of_plane(s, [dy](std::int64_t at) SEGX_INLINED { return load(dy + at); });
          const vec product = sum_of_plane(s, [x, dy, centre](std::int64_t at) SEGX_INLINED {
            return hn::Mul(load(dy + at), hn::Sub(load(x + at), centre));
          });
          store_some(sum, gradients + channel, there);
          store_some(hn::Mul(product, load_some(scale + channel, there)), products + channel, there);
        });
        if (weight != nullptr) {
          images_in_order.pass(task, [&] {
            for (int c = first; c < end; ++c) {
              b.dparameters[0][c] += products[c];
              b.dparameters[1][c] += gradients[c];
            }
          });
        }
        if (!b.dx[0]) { return; }
        for (int c = first; c < end; c += size) {
          double gradient_sum = 0;
          double product_sum = 0;
          for (int k = c; k < c + size; ++k) {
            const double factor = weight == nullptr ? 1.0 : static_cast<double>(weight[k]);
            gradient_sum += factor * gradients[k];
            product_sum += factor * products[k];
          }
          std::fill_n(gradients + c, size, static_cast<float>(gradient_sum / count));
          std::fill_n(products + c, size, static_cast<float>(product_sum / count));
        }
        for_each_slice_between(s, first, end, [&](std::int64_t slice, int channel, int there) {
          const float* x = b.x[0].image(n) + slice;
          const float* dy = b.dy.image(n) + slice;
          float* dx = b.dx[0].image(n) + slice;
          const vec centre = load_some(mean + channel, there);
          const vec inverse = load_some(scale + channel, there);
          const vec factor = weight == nullptr ? all(1) : load_some(weight + channel, there);
          const vec gradient_mean = load_some(gradients + channel, there);
          const vec product_mean = hn::Mul(load_some(products + channel, there), inverse);
          for (std::int64_t at = 0; at < s.plane() * channel_block; at += channel_block) {
            const vec centred = hn::Sub(load(x + at), centre);
            const vec change = hn::NegMulAdd(centred, product_mean, hn::MulSub(load(dy + at), factor, gradient_mean));
            const vec value = hn::Mul(change, inverse);
            put_gradient(b.adds[0], value, dx + at);
          }
        });
      });
}

}  // namespace segx::simd::HWY_NAMESPACE
