#pragma once

#include <algorithm>
#include <concepts>
#include <type_traits>

#include <segx/kernels/cpu/direct.hpp>
#include <segx/kernels/cpu/direct_gradient.hpp>
#include <segx/kernels/cpu/dot.hpp>
#include <segx/kernels/cpu/result.hpp>
#include <segx/kernels/cpu/strips.hpp>
#include <segx/kernels/cpu/winograd_gradient.hpp>

/// Convolution and transposed convolution, each by the algorithm that conv2d_plan.hpp chooses; how work is divided,
/// each algorithm's file says. Weights are packed in the order in which it reads them, behind the bias.
///
///   y[n,k,i,j] = then(b[k] + Σ_{c,r,s} w[k,c,r,s] · x[n, c, i·stride + r·dilation − padding, j·stride + …])
///
///   y    3×3 kernels by winograd.hpp (those of stride 2: strided_conv2d.hpp), 1×1 ones by strips.hpp or, to few
///        channels, dot.hpp; whatever these do not take by direct.hpp
///   dx   stride 1: a convolution of dy with kernels turned by 180°; else dy scattered, one tap after the other
///   dw   winograd_gradient.hpp or direct_gradient.hpp
///   db   sums of dy, a task for each block of channels
///
/// Transposed:  y[n, k, i·stride + r·dilation − padding, j·stride + …] = b[k] + Σ_{c,r,s} w[c,k,r,s] · x[n,c,i,j].
/// Where taps do not overlap, one pass over x makes the results of all; where they overlap evenly, the results of one
/// phase, their row and column modulo the stride, are an ordinary convolution of x, so that each result is written
/// once; others run as plain loops. Its dx is an ordinary convolution of dy.
namespace segx::simd::HWY_NAMESPACE {

inline float* pack_bias(const float* bias, int channels_out, float* packed) {
  std::fill(packed, packed + detail::packed_bias_floats(channels_out), 0.0F);
  if (bias != nullptr) { std::copy(bias, bias + channels_out, packed); }
  return packed + detail::packed_bias_floats(channels_out);
}

inline direct::geometry forward_geometry(const conv2d_geometry& g) {
  return {.kernel = g.kernel,
          .in_step = g.stride,
          .dilation = g.dilation,
          .padding = g.padding,
          .column_padding = g.padding};
}

/// One tap of a convolution's transpose: scatters its input over every stride-th pixel of the result.
inline direct::geometry scatter_geometry(const conv2d_geometry& g, int tap) {
  return {.out_step = g.stride,
          .out_row = tap / g.kernel * g.dilation - g.padding,
          .out_column = tap % g.kernel * g.dilation - g.padding};
}

/// db[k] += Σ dy over images and pixels.
[[gnu::noinline]] inline void add_bias_gradient(cpu& on, const view<const float>& dy, float* db) {
  if (db == nullptr) { return; }
  const std::int64_t plane = dy.extent.plane();
  if (!cpu::memory.is_blocked(dy.extent)) { return segx::detail::add_bias_gradient<cpu::memory, float>(dy, db); }
  const int blocks = blocks_of(dy.extent.channels);
  on.threads.run(blocks, [&](int block, int) {
    double sum[channel_block] = {};
    for (int n = 0; n < dy.batch; ++n) {
      const float* from = dy.image(n) + block * plane * channel_block;
      for (int i = 0; i < dy.extent.height; ++i, from += std::int64_t{dy.extent.width} * channel_block) {
        for (int slice = 0; slice < slices; ++slice) {
          vec row = zero();
          for (int j = 0; j < dy.extent.width; ++j) {
            row = hn::Add(row, load(from + j * channel_block + slice * lanes));
          }
          float values[lanes];
          store(row, values);
          for (int lane = 0; lane < lanes; ++lane) { sum[slice * lanes + lane] += values[lane]; }
        }
      }
    }
    for (int lane = 0; lane < std::min(channel_block, dy.extent.channels - block * channel_block); ++lane) {
      db[block * channel_block + lane] += static_cast<float>(sum[lane]);
    }
  });
}

[[gnu::noinline]] inline void conv2d_pack(cpu& on, const conv2d_geometry& g, const packing<float>& p) {
  const detail::convolution_algorithm algorithm = detail::algorithm_for(g, p.x, p.y, on.convolutions);
  const int c = p.x.channels;
  const int k = p.y.channels;
  const int taps = g.kernel * g.kernel;
  const float* weight = p.parameters[0];
  if (p.packed != nullptr) {
    float* packed = pack_bias(p.parameters[1], k, p.packed);
    switch (algorithm) {
      case detail::convolution_algorithm::winograd:
        winograd_pack(on.threads, {p.x, p.y, on.convolutions}, c, k,
                      {.weights = weight, .to_distance = 9 * c, .from_distance = 9}, packed);
        break;
      case detail::convolution_algorithm::dot:
        for (int to = 0; to < k; ++to, packed += detail::whole_blocks(c)) {
          std::fill(std::copy(weight + to * c, weight + (to + 1) * c, packed), packed + detail::whole_blocks(c), 0.0F);
        }
        break;
      default:
        direct_pack(
            c, k, taps, [&](int to, int from, int tap) { return weight[(to * c + from) * taps + tap]; }, packed);
    }
  }
  if (p.packed_backward == nullptr) { return; }
  if (algorithm == detail::convolution_algorithm::winograd) {
    winograd_pack(on.threads, {p.y, p.x, on.convolutions}, k, c,
                  {.weights = weight, .to_distance = 9, .from_distance = 9 * c, .turned = true}, p.packed_backward);
  } else {  // a stride of 1 gathers, so its taps are turned by 180°; others scatter
    direct_pack(
        k, c, taps,
        [&](int to, int from, int tap) {
          return weight[(from * c + to) * taps + (g.stride == 1 ? taps - 1 - tap : tap)];
        },
        p.packed_backward);
  }
}

[[gnu::noinline]] inline void conv2d_forward(cpu& on, const conv2d_geometry& g, const forward_pass<float>& f) {
  const detail::convolution_algorithm algorithm = detail::algorithm_for(g, f.x[0].extent, f.y.extent, on.convolutions);
  const forward_result result{f, f.packed};
  const float* weights = f.packed + detail::packed_bias_floats(f.y.extent.channels);
  switch (algorithm) {
    case detail::convolution_algorithm::winograd:
      return winograd_convolution(on.threads, {f.x[0].extent, f.y.extent, on.convolutions}, f.x[0], g.padding, weights,
                                  f.y, f.scratch, result);
    case detail::convolution_algorithm::dot:
      return dot_convolution(on.threads, f.x[0], weights, f.y, result);
    case detail::convolution_algorithm::strips:
      return strip_convolution(on.threads, f.x[0], {}, weights, f.y, f.scratch, result);
    default:
      return direct_convolution(on.threads, forward_geometry(g), f.x[0], weights, f.y, result);
  }
}

/// The 1×1 convolution `f` of what `first` would have made: a channel_scale or, where `f` makes few channels, another
/// 1×1 convolution.
[[gnu::noinline]] inline void conv2d_forward_streamed(cpu& on, const conv2d_geometry&, const forward_pass<float>& first,
                                                      const forward_pass<float>& f) {
  const forward_result result{f, f.packed};
  const float* weights = f.packed + detail::packed_bias_floats(f.y.extent.channels);
  if (!cpu::memory.is_blocked(f.y.extent)) { return dot_convolution_streamed(on.threads, first, weights, f, result); }
  strip_convolution(on.threads, first.x[0], first.x[1], weights, f.y, f.scratch, result);
}

[[gnu::noinline]] inline void conv2d_backward(cpu& on, const conv2d_geometry& g, const backward_pass<float>& b) {
  const shape x = b.x[0].extent;
  const shape y = b.dy.extent;
  const detail::convolution_algorithm algorithm = detail::algorithm_for(g, x, y, on.convolutions);
  if (algorithm == detail::convolution_algorithm::winograd) {
    winograd_weight_gradient(on.threads, b.x[0], g.padding, b.dy, b.dparameters[0], b.dparameters[1], b.scratch);
  } else {
    add_bias_gradient(on, b.dy, b.dparameters[1]);
    add_weight_gradient(on.threads, {g, b.dy, b.x[0], b.dparameters[0]});
  }
  if (!b.dx[0]) { return; }

  if (algorithm == detail::convolution_algorithm::winograd) {
    winograd_convolution(on.threads, {y, x, on.convolutions}, b.dy, 2 - g.padding, b.packed, b.dx[0], b.scratch,
                         gradient_result{b});
  } else if (g.stride == 1) {
    direct_convolution(on.threads, forward_geometry(detail::turned(g)), b.dy, b.packed, b.dx[0], gradient_result{b});
  } else {
    detail::start_gradient(on, b.dx[0], b.adds[0]);
    for (int tap = 0; tap < g.kernel * g.kernel; ++tap) {
      direct_convolution(on.threads, scatter_geometry(g, tap), b.dy,
                         b.packed + tap * direct::packed_floats(y.channels, x.channels, 1), b.dx[0],
                         gradient_result{b.dx[0], true});
    }
  }
}

/// Phase `p` of a transposed convolution along one axis: y[i·stride + p] = Σ_t x[i + t − padding] · w[tap(t)].
struct transposed_phase {
  int taps, padding, first, stride;

  transposed_phase(const conv2d_geometry& g, int p)
      : taps{g.kernel / g.stride},
        padding{taps - 1 - (p + g.padding) / g.stride},
        first{(p + g.padding) % g.stride},
        stride{g.stride} {}
  int tap(int t) const { return first + stride * (taps - 1 - t); }
};

/// The weights of each phase, one behind the other.
inline void pack_phases(const conv2d_geometry& g, int channels_in, int channels_out, const float* weight,
                        float* packed) {
  const int taps = g.kernel / g.stride;
  for (int p = 0; p < g.stride * g.stride; ++p) {
    const transposed_phase row{g, p / g.stride};
    const transposed_phase column{g, p % g.stride};
    direct_pack(
        channels_in, channels_out, taps * taps,
        [&](int to, int from, int t) {
          const int tap = row.tap(t / taps) * g.kernel + column.tap(t % taps);
          return weight[(from * channels_out + to) * g.kernel * g.kernel + tap];
        },
        packed);
    packed += direct::packed_floats(channels_in, channels_out, taps * taps);
  }
}

[[gnu::noinline]] inline void conv_transpose2d_pack(cpu&, const conv2d_geometry& g, const packing<float>& p) {
  const int c = p.x.channels;
  const int k = p.y.channels;
  const int taps = g.kernel * g.kernel;
  const float* weight = p.parameters[0];
  if (p.packed != nullptr && detail::taps_are_apart(g)) {
    direct_pack(
        c, k, taps, [&](int to, int from, int tap) { return weight[(from * k + to) * taps + tap]; },
        pack_bias(p.parameters[1], k, p.packed));
  } else if (p.packed != nullptr && detail::has_phases(g)) {
    pack_phases(g, c, k, weight, pack_bias(p.parameters[1], k, p.packed));
  }
  if (p.packed_backward != nullptr) {
    direct_pack(
        k, c, taps, [&](int to, int from, int tap) { return weight[(to * k + from) * taps + tap]; }, p.packed_backward);
  }
}

/// Where taps do not overlap each result comes from one tap: a 1×1 convolution to taps × K channels, scattered. Where
/// they do, but evenly, each phase is a convolution of its own.
[[gnu::noinline]] inline void conv_transpose2d_forward(cpu& on, const conv2d_geometry& g,
                                                       const forward_pass<float>& f) {
  const float* weights = f.packed + detail::packed_bias_floats(f.y.extent.channels);
  const forward_result result{f, f.packed};
  if (detail::taps_are_apart(g)) {
    return direct_convolution(on.threads, {.out_step = g.stride, .out_taps = g.kernel}, f.x[0], weights, f.y, result);
  }
  if (!detail::has_phases(g)) { return segx::conv_transpose2d_forward<float, cpu::memory>(on, g, f); }
  // A task makes all phases of a row of x, while the rows of y that they share are in the cache.
  const int taps = g.kernel / g.stride;
  const std::int64_t phase_floats = direct::packed_floats(f.x[0].extent.channels, f.y.extent.channels, taps * taps);
  const int height = f.x[0].extent.height;
  on.threads.run(f.y.batch * height, [&](int task, int) {
    for (int p = 0; p < g.stride * g.stride; ++p) {
      const transposed_phase row{g, p / g.stride};
      const transposed_phase column{g, p % g.stride};
      const direct::geometry phase{.kernel = taps,
                                   .padding = row.padding,
                                   .column_padding = column.padding,
                                   .out_step = g.stride,
                                   .out_row = p / g.stride,
                                   .out_column = p % g.stride};
      direct_rows{phase, f.x[0], weights + p * phase_floats, f.y, result}(task / height, task % height);
    }
  });
}

[[gnu::noinline]] inline void conv_transpose2d_backward(cpu& on, const conv2d_geometry& g,
                                                        const backward_pass<float>& b) {
  add_bias_gradient(on, b.dy, b.dparameters[1]);
  add_weight_gradient(on.threads, {g, b.x[0], b.dy, b.dparameters[0]});
  if (!b.dx[0]) { return; }
  direct_convolution(on.threads, forward_geometry(g), b.dy, b.packed, b.dx[0], gradient_result{b});
}

}  // namespace segx::simd::HWY_NAMESPACE
