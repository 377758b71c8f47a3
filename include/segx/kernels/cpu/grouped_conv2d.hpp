#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d.hpp>
#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/row_ring.hpp>

/// Convolution in groups. Depthwise convolution runs by row_ring.hpp; other groups as plain loops.
namespace segx::simd::HWY_NAMESPACE {

/// weight [C,1,R,R] into packed [⌈C/16⌉][taps][16], zeros behind the last channel; `turned`: by 180°.
inline void depthwise_pack(int channels, int taps, bool turned, const float* weight, float* packed) {
  for (int first = 0; first < channels; first += panel) {
    for (int i = 0; i < taps; ++i) {
      const int tap = turned ? taps - 1 - i : i;
      for (int c = first; c < first + panel; ++c) { *packed++ = c < channels ? weight[c * taps + tap] : 0; }
    }
  }
}

/// y = x convolved, given to `result` row by row.
template <class Result>
void depthwise_convolution(thread_pool& threads, const conv2d_geometry& g, const view<const float>& x,
                           const float* packed, const view<float>& y, const scratch_memory<float>& scratch,
                           const Result& result) {
  constexpr int rows_of_task = 64;
  const int channels = detail::whole_blocks(y.extent.channels);
  const int blocks = (channels + ring_block - 1) / ring_block;
  const int bands = (y.extent.height + rows_of_task - 1) / rows_of_task;
  // A negative padding leaves out columns of x.
  const int skipped = std::max(0, -g.padding);
  const depthwise_weights weights{packed, g.kernel * g.kernel};
  threads.run(y.batch * blocks * bands, [&](int task, int thread) {
    const int begin = task % bands * rows_of_task;
    const int k = task / bands % blocks * ring_block;
    const int n = task / bands / blocks;
    const row_ring ring{g, x.extent, y.extent, 1, scratch.of(thread)};
    const auto copy_row = [&](int h) {
      for (int c = k; c < std::min(k + ring_block, channels); c += channel_block) {
        const float* from = x.image(n) + channel_offset(x.extent, c) + std::int64_t{h} * x.extent.width * channel_block;
        float* to = ring.pixel(h, 0, 0) + c - k;
        for (int w = skipped; w < x.extent.width; ++w) {
          std::copy_n(from + w * channel_block, channel_block, to + w * ring_block);
        }
      }
    };
    depthwise_band(g, ring, begin, std::min(begin + rows_of_task, y.extent.height), copy_row, weights, n, k, y, result);
  });
}

/// dx += what a convolution of any stride makes of dy, scattered.
inline void depthwise_scatter(thread_pool& threads, const conv2d_geometry& g, const view<float>& dy,
                              const float* packed, const view<float>& dx) {
  const int taps = g.kernel * g.kernel;
  const int blocks = blocks_of(dx.extent.channels);
  threads.run(dx.batch * blocks, [&](int task, int) {
    const int block = task % blocks;
    const int n = task / blocks;
    const float* from = dy.image(n) + block * dy.extent.plane() * channel_block;
    float* image = dx.image(n) + block * dx.extent.plane() * channel_block;
    const float* weights = depthwise_weights{packed, taps}.first(block * channel_block);
    for (int i = 0; i < dy.extent.height; ++i) {
      for (int j = 0; j < dy.extent.width; ++j, from += channel_block) {
        for (int r = 0; r < g.kernel; ++r) {
          const int h = i * g.stride + r * g.dilation - g.padding;
          if (h < 0 || h >= dx.extent.height) { continue; }
          for (int s = 0; s < g.kernel; ++s) {
            const int w = j * g.stride + s * g.dilation - g.padding;
            if (w < 0 || w >= dx.extent.width) { continue; }
            const float* weight = weights + (r * g.kernel + s) * panel;
            float* to = image + (std::int64_t{h} * dx.extent.width + w) * channel_block;
            for (int slice = 0; slice < channel_block; slice += lanes) {
              store(hn::MulAdd(load(from + slice), load(weight + slice), load(to + slice)), to + slice);
            }
          }
        }
      }
    }
  });
}

/// dweight[c, tap] += Σ x·dy over images and pixels.
inline void depthwise_weight_gradient(thread_pool& threads, const conv2d_geometry& g, const view<const float>& x,
                                      const view<float>& dy, float* dweight) {
  const int taps = g.kernel * g.kernel;
  const int channels = x.extent.channels;
  const int blocks = blocks_of(channels);
  threads.run(blocks * taps, [&](int task, int) {
    const int tap = task % taps;
    const int block = task / taps;
    const int row_offset = tap / g.kernel * g.dilation - g.padding;
    const int column_offset = tap % g.kernel * g.dilation - g.padding;
    const int j_begin = first_inside(column_offset, g.stride);
    const int j_end = std::min(dy.extent.width, end_inside(column_offset, g.stride, x.extent.width));
    for (int slice = 0; slice < channel_block; slice += lanes) {
      vec total = zero();
      for (int n = 0; n < x.batch; ++n) {
        for (int i = 0; i < dy.extent.height; ++i) {
          const int h = i * g.stride + row_offset;
          if (h < 0 || h >= x.extent.height) { continue; }
          const float* a =
              x.image(n) + (block * x.extent.plane() + std::int64_t{h} * x.extent.width) * channel_block + slice;
          const float* b =
              dy.image(n) + (block * dy.extent.plane() + std::int64_t{i} * dy.extent.width) * channel_block + slice;
          vec even = zero();  // of one row, so that long sums keep their digits
          vec odd = zero();
          int j = j_begin;
          for (; j + 2 <= j_end; j += 2) {
            const float* here = a + (std::int64_t{j} * g.stride + column_offset) * channel_block;
            even = hn::MulAdd(load(here), load(b + j * channel_block), even);
            odd = hn::MulAdd(load(here + g.stride * channel_block), load(b + (j + 1) * channel_block), odd);
          }
          if (j < j_end) {
            const float* here = a + (std::int64_t{j} * g.stride + column_offset) * channel_block;
            even = hn::MulAdd(load(here), load(b + j * channel_block), even);
          }
          total = hn::Add(total, hn::Add(even, odd));
        }
      }
      float values[lanes];
      store(total, values);
      const int first = block * channel_block + slice;
      for (int lane = 0; lane < std::min(lanes, channels - first); ++lane) {
        dweight[(first + lane) * taps + tap] += values[lane];
      }
    }
  });
}

[[gnu::noinline]] inline void grouped_conv2d_pack(cpu& on, const conv2d_geometry& g, const packing<float>& p) {
  if (detail::algorithm_for(g, p.x, p.y, on.convolutions) == detail::convolution_algorithm::plain) { return; }
  const int taps = g.kernel * g.kernel;
  if (p.packed != nullptr) {
    depthwise_pack(p.y.channels, taps, false, p.parameters[0], pack_bias(p.parameters[1], p.y.channels, p.packed));
  }
  if (p.packed_backward != nullptr) {
    depthwise_pack(p.y.channels, taps, g.stride == 1, p.parameters[0], p.packed_backward);
  }
}

[[gnu::noinline]] inline void grouped_conv2d_forward(cpu& on, const conv2d_geometry& g, const forward_pass<float>& f) {
  const shape y = f.y.extent;
  if (detail::algorithm_for(g, f.x[0].extent, y, on.convolutions) == detail::convolution_algorithm::plain) {
    return segx::conv2d_forward<float, cpu::memory>(on, g, f);
  }
  depthwise_convolution(on.threads, g, f.x[0], f.packed + detail::packed_bias_floats(y.channels), f.y, f.scratch,
                        forward_result{f, f.packed});
}

[[gnu::noinline]] inline void grouped_conv2d_backward(cpu& on, const conv2d_geometry& g,
                                                      const backward_pass<float>& b) {
  if (detail::algorithm_for(g, b.x[0].extent, b.dy.extent, on.convolutions) == detail::convolution_algorithm::plain) {
    return segx::conv2d_backward<float, cpu::memory>(on, g, b);
  }
  add_bias_gradient(on, b.dy, b.dparameters[1]);
  depthwise_weight_gradient(on.threads, g, b.x[0], b.dy, b.dparameters[0]);
  if (!b.dx[0]) { return; }
  if (g.stride == 1) {
    depthwise_convolution(on.threads, detail::turned(g), b.dy, b.packed, b.dx[0], b.scratch,
                          gradient_result{b.dx[0], b.adds[0]});
  } else {
    detail::start_gradient(on, b.dx[0], b.adds[0]);
    depthwise_scatter(on.threads, g, b.dy, b.packed, b.dx[0]);
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
