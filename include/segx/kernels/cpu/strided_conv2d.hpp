#pragma once

#include <segx/kernels/cpu/conv2d.hpp>

/// 3×3 convolution of stride 2. Forward by Winograd's algorithm, where conv2d_plan.hpp chooses it. Along one axis,
///
///   y₀ = w₀x₀ + w₁x₁ + w₂x₂,  y₁ = w₀x₂ + w₁x₃ + w₂x₄:  F(2, 2) of x₀, x₂, x₄ with w₀, w₂, and x₁, x₃ times w₁,
///
/// are five products instead of six, so a tile of 2×2 results costs 25 instead of 36. The rest is as in conv2d.hpp.
namespace segx::simd::HWY_NAMESPACE {

[[gnu::noinline]] inline void strided_conv2d_pack(cpu& on, const conv2d_geometry& g, packing<float> p) {
  const detail::convolution_algorithm algorithm = detail::algorithm_for(g, p.x, p.y, on.convolutions);
  if (p.packed != nullptr && algorithm == detail::convolution_algorithm::strided_winograd) {
    winograd_pack<winograd::strided>(on.threads, {winograd::strided, p.x, p.y, on.convolutions}, p.x.channels,
                                     p.y.channels,
                                     {.weights = p.parameters[0], .to_distance = 9 * p.x.channels, .from_distance = 9},
                                     pack_bias(p.parameters[1], p.y.channels, p.packed));
    p.packed = nullptr;
  }
  conv2d_pack(on, g, p);
}

[[gnu::noinline]] inline void strided_conv2d_forward(cpu& on, const conv2d_geometry& g, const forward_pass<float>& f) {
  const detail::convolution_algorithm algorithm = detail::algorithm_for(g, f.x[0].extent, f.y.extent, on.convolutions);
  if (algorithm != detail::convolution_algorithm::strided_winograd) { return conv2d_forward(on, g, f); }
  const winograd::blocking blocks{winograd::strided, f.x[0].extent, f.y.extent, on.convolutions};
  convolve_tiles<winograd::strided>(on.threads, blocks, f.x[0], g.padding,
                                    f.packed + detail::packed_bias_floats(f.y.extent.channels), f.y, f.scratch,
                                    forward_result{f, f.packed});
}

}  // namespace segx::simd::HWY_NAMESPACE
