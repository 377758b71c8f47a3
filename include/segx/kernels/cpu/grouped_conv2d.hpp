#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/conv2d.hpp>
#include <segx/kernels/cpu/conv2d_plan.hpp>

/// Convolution in groups. Depthwise convolution: each channel has a kernel of its own. Lanes are channels, so a tap of
/// a result costs one multiplication of vectors; several neighbouring results are held in registers, that a weight is
/// loaded once for all of them. Packed weights: [⌈C/8⌉][taps][8]. Other groups run as plain loops.
namespace segx::simd::HWY_NAMESPACE {

/// weight [C,1,R,R] into packed, zeros behind the last channel.
inline void depthwise_pack(int channels, int taps, const float* weight, float* packed) {
  for (int first = 0; first < channels; first += channel_block) {
    for (int tap = 0; tap < taps; ++tap) {
      for (int c = first; c < first + channel_block; ++c) { *packed++ = c < channels ? weight[c * taps + tap] : 0; }
    }
  }
}

/// y = x convolved, given to `result` slice by slice; `turned`: with kernels turned by 180°.
template <class Result>
void depthwise_convolution(thread_pool& threads, const conv2d_geometry& g, const view<const float>& x,
                           const float* packed, bool turned, const view<float>& y, const Result& result) {
  const int taps = g.kernel * g.kernel;
  const int blocks = detail::whole_blocks(y.extent.channels) / channel_block;
  const std::int64_t step = std::int64_t{g.stride} * channel_block;
  // Results whose taps all lie inside the image's width.
  const int inner_begin = std::min((g.padding + g.stride - 1) / g.stride, y.extent.width);
  const int space = x.extent.width + g.padding - g.reach();
  const int inner_end = std::clamp(space >= 0 ? space / g.stride + 1 : 0, inner_begin, y.extent.width);

  threads.run(y.batch * blocks * y.extent.height, [&](int task, int) {
    const int i = task % y.extent.height;
    const int block = task / y.extent.height % blocks;
    const int n = task / y.extent.height / blocks;
    const float* image = x.image(n) + block * x.extent.plane() * channel_block;
    float* row_of_y = y.image(n) + (block * y.extent.plane() + std::int64_t{i} * y.extent.width) * channel_block;
    const float* weights = packed + std::int64_t{block} * taps * channel_block;

    const auto results = [&]<int Pixels>(int j) SEGX_INLINED {
      for (int slice = 0; slice < channel_block; slice += lanes) {
        vec sum[Pixels];
#pragma GCC unroll 8
        for (int p = 0; p < Pixels; ++p) { sum[p] = zero(); }
        for (int r = 0; r < g.kernel; ++r) {
          const int h = i * g.stride + r * g.dilation - g.padding;
          if (h < 0 || h >= x.extent.height) { continue; }
          for (int s = 0; s < g.kernel; ++s) {
            const int w = j * g.stride + s * g.dilation - g.padding;
            if (Pixels == 1 && (w < 0 || w >= x.extent.width)) { continue; }
            const int tap = r * g.kernel + s;
            const vec weight = load(weights + (turned ? taps - 1 - tap : tap) * channel_block + slice);
            const float* from = image + (std::int64_t{h} * x.extent.width + w) * channel_block + slice;
#pragma GCC unroll 8
            for (int p = 0; p < Pixels; ++p) { sum[p] = hn::MulAdd(load(from + p * step), weight, sum[p]); }
          }
        }
        float* to = row_of_y + std::int64_t{j} * channel_block + slice;
        const auto clamped_sum = result.clamped_sum(tag{}, block * channel_block + slice);
#pragma GCC unroll 8
        for (int p = 0; p < Pixels; ++p) { result.put()(clamped_sum(sum[p]), 0, to + p * channel_block); }
      }
    };
    int j = 0;
    for (; j < inner_begin; ++j) { results.template operator()<1>(j); }
    for (; j + 8 <= inner_end; j += 8) { results.template operator()<8>(j); }
    for (; j < y.extent.width; ++j) { results.template operator()<1>(j); }
    for (int slice = 0; result.finishes() && slice < channel_block; slice += lanes) {
      result.finish(tag{}, block * channel_block + slice, n, std::int64_t{i} * y.extent.width, y.extent.width, 1,
                    row_of_y + slice, 0);
    }
  });
}

/// dx += what a convolution of any stride makes of dy, scattered.
inline void depthwise_scatter(thread_pool& threads, const conv2d_geometry& g, const view<float>& dy,
                              const float* packed, const view<float>& dx) {
  const int taps = g.kernel * g.kernel;
  const int blocks = detail::whole_blocks(dx.extent.channels) / channel_block;
  threads.run(dx.batch * blocks, [&](int task, int) {
    const int block = task % blocks;
    const int n = task / blocks;
    const float* from = dy.image(n) + block * dy.extent.plane() * channel_block;
    float* image = dx.image(n) + block * dx.extent.plane() * channel_block;
    const float* weights = packed + std::int64_t{block} * taps * channel_block;
    for (int i = 0; i < dy.extent.height; ++i) {
      for (int j = 0; j < dy.extent.width; ++j, from += channel_block) {
        for (int r = 0; r < g.kernel; ++r) {
          const int h = i * g.stride + r * g.dilation - g.padding;
          if (h < 0 || h >= dx.extent.height) { continue; }
          for (int s = 0; s < g.kernel; ++s) {
            const int w = j * g.stride + s * g.dilation - g.padding;
            if (w < 0 || w >= dx.extent.width) { continue; }
            const float* weight = weights + (r * g.kernel + s) * channel_block;
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
  const int blocks = detail::whole_blocks(channels) / channel_block;
  threads.run(blocks * taps, [&](int task, int) {
    const int tap = task % taps;
    const int block = task / taps;
    const int row_offset = tap / g.kernel * g.dilation - g.padding;
    const int column_offset = tap % g.kernel * g.dilation - g.padding;
    const int j_begin = column_offset >= 0 ? 0 : (-column_offset + g.stride - 1) / g.stride;
    const int last = x.extent.width - 1 - column_offset;
    const int j_end = last >= 0 ? std::min(dy.extent.width, last / g.stride + 1) : 0;
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
    depthwise_pack(p.y.channels, taps, p.parameters[0], pack_bias(p.parameters[1], p.y.channels, p.packed));
  }
  if (p.packed_backward != nullptr) { depthwise_pack(p.y.channels, taps, p.parameters[0], p.packed_backward); }
}

[[gnu::noinline]] inline void grouped_conv2d_forward(cpu& on, const conv2d_geometry& g, const forward_pass<float>& f) {
  const shape y = f.y.extent;
  if (detail::algorithm_for(g, f.x[0].extent, y, on.convolutions) == detail::convolution_algorithm::plain) {
    return segx::conv2d_forward<float, cpu::memory>(on, g, f);
  }
  depthwise_convolution(on.threads, g, f.x[0], f.packed + detail::packed_bias_floats(y.channels), false, f.y,
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
    const conv2d_geometry turned{.kernel = g.kernel, .padding = g.reach() - 1 - g.padding, .dilation = g.dilation};
    depthwise_convolution(on.threads, turned, b.dy, b.packed, true, b.dx[0], gradient_result{b.dx[0], b.adds[0]});
  } else {
    detail::start_gradient(on, b.dx[0], b.adds[0]);
    depthwise_scatter(on.threads, g, b.dy, b.packed, b.dx[0]);
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
