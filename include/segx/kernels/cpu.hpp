#pragma once

#include <segx/kernels/avg_pool2d.hpp>
#include <segx/kernels/batch_norm2d.hpp>
#include <segx/kernels/channel_scale.hpp>
#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/elementwise.hpp>
#include <segx/kernels/global_avg_pool2d.hpp>
#include <segx/kernels/group_norm2d.hpp>
#include <segx/kernels/max_pool2d.hpp>
#include <segx/kernels/plane_scale.hpp>
#include <segx/kernels/prelu.hpp>
#include <segx/kernels/upsample2d.hpp>

#ifdef SEGX_COMPILED_KERNELS  // set by the CMake target segx::kernels
#include <segx/kernels/cpu/kernel_table.hpp>
#define SEGX_CPU_KERNEL(name) compiled_kernels().name
#else
#include <segx/kernels/cpu/avg_pool2d.hpp>
#include <segx/kernels/cpu/batch_norm2d.hpp>
#include <segx/kernels/cpu/conv2d.hpp>
#include <segx/kernels/cpu/elementwise.hpp>
#include <segx/kernels/cpu/expanded_depthwise.hpp>
#include <segx/kernels/cpu/group_norm2d.hpp>
#include <segx/kernels/cpu/grouped_conv2d.hpp>
#include <segx/kernels/cpu/max_pool2d.hpp>
#include <segx/kernels/cpu/plane_scale.hpp>
#include <segx/kernels/cpu/prelu.hpp>
#include <segx/kernels/cpu/squeeze_excite.hpp>
#include <segx/kernels/cpu/strided_conv2d.hpp>
#include <segx/kernels/cpu/upsample2d.hpp>
#define SEGX_CPU_KERNEL(name) simd::name
#endif

// The kernels of the backend `cpu`: compiled with the program, for the instruction set that its flags name; or, in the
// library segx::kernels, for several, of which the best is taken when the program runs.

namespace segx {

/// The instruction set that kernels run on: "AVX2", "AVX-512", "NEON", "WASM", …
inline const char* cpu_instruction_set() { return SEGX_CPU_KERNEL(instruction_set); }

// Always inlined, since layers know their geometry: what has no groups, or no strides, does not compile the code for
// them.
[[gnu::always_inline]] inline void conv2d_pack(cpu& on, const conv2d_geometry& g, const packing<float>& p) {
  if (g.groups != 1) { return SEGX_CPU_KERNEL(grouped_conv2d_pack)(on, g, p); }
  if (g.kernel == 3 && g.stride == 2) { return SEGX_CPU_KERNEL(strided_conv2d_pack)(on, g, p); }
  SEGX_CPU_KERNEL(conv2d_pack)(on, g, p);
}
[[gnu::always_inline]] inline void conv2d_forward(cpu& on, const conv2d_geometry& g, const forward_pass<float>& f) {
  if (g.groups != 1) { return SEGX_CPU_KERNEL(grouped_conv2d_forward)(on, g, f); }
  if (g.kernel == 3 && g.stride == 2) { return SEGX_CPU_KERNEL(strided_conv2d_forward)(on, g, f); }
  SEGX_CPU_KERNEL(conv2d_forward)(on, g, f);
}
[[gnu::always_inline]] inline void conv2d_forward_streamed(cpu& on, const conv2d_geometry& g,
                                                           const forward_pass<float>& first,
                                                           const forward_pass<float>& f) {
  if (g.groups != 1) { return SEGX_CPU_KERNEL(grouped_conv2d_forward_streamed)(on, g, first, f); }
  SEGX_CPU_KERNEL(conv2d_forward_streamed)(on, g, first, f);
}
[[gnu::always_inline]] inline void conv2d_backward(cpu& on, const conv2d_geometry& g, const backward_pass<float>& b) {
  if (g.groups != 1) { return SEGX_CPU_KERNEL(grouped_conv2d_backward)(on, g, b); }
  SEGX_CPU_KERNEL(conv2d_backward)(on, g, b);
}
[[gnu::noinline]] inline void conv_transpose2d_pack(cpu& on, const conv2d_geometry& g, const packing<float>& p) {
  SEGX_CPU_KERNEL(conv_transpose2d_pack)(on, g, p);
}
[[gnu::noinline]] inline void conv_transpose2d_forward(cpu& on, const conv2d_geometry& g,
                                                       const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(conv_transpose2d_forward)(on, g, f);
}
[[gnu::noinline]] inline void conv_transpose2d_backward(cpu& on, const conv2d_geometry& g,
                                                        const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(conv_transpose2d_backward)(on, g, b);
}
[[gnu::noinline]] inline void batch_norm2d_forward(cpu& on, const batch_norm2d_geometry& g,
                                                   const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(batch_norm2d_forward)(on, g, f);
}
[[gnu::noinline]] inline void batch_norm2d_backward(cpu& on, const batch_norm2d_geometry& g,
                                                    const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(batch_norm2d_backward)(on, g, b);
}
[[gnu::noinline]] inline void group_norm2d_forward(cpu& on, const group_norm2d_geometry& g,
                                                   const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(group_norm2d_forward)(on, g, f);
}
[[gnu::noinline]] inline void group_norm2d_backward(cpu& on, const group_norm2d_geometry& g,
                                                    const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(group_norm2d_backward)(on, g, b);
}
[[gnu::noinline]] inline void max_pool2d_forward(cpu& on, const pool2d_geometry& g, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(max_pool2d_forward)(on, g, f);
}
[[gnu::noinline]] inline void max_pool2d_backward(cpu& on, const pool2d_geometry& g, const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(max_pool2d_backward)(on, g, b);
}
[[gnu::noinline]] inline void avg_pool2d_forward(cpu& on, const avg_pool2d_geometry& g, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(avg_pool2d_forward)(on, g, f);
}
[[gnu::noinline]] inline void avg_pool2d_backward(cpu& on, const avg_pool2d_geometry& g,
                                                  const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(avg_pool2d_backward)(on, g, b);
}
[[gnu::noinline]] inline void upsample2d_forward(cpu& on, const upsample2d_geometry& g, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(upsample2d_forward)(on, g, f);
}
[[gnu::noinline]] inline void upsample2d_backward(cpu& on, const upsample2d_geometry& g,
                                                  const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(upsample2d_backward)(on, g, b);
}
[[gnu::noinline]] inline void prelu_forward(cpu& on, const prelu_geometry& g, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(prelu_forward)(on, g, f);
}
[[gnu::noinline]] inline void prelu_backward(cpu& on, const prelu_geometry& g, const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(prelu_backward)(on, g, b);
}
[[gnu::noinline]] inline void pointwise_forward(cpu& on, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(pointwise_forward)(on, f);
}
[[gnu::noinline]] inline void epilogue_backward(cpu& on, const epilogue& then, view<const float> known, view<float> dy,
                                                std::uint32_t seed) {
  SEGX_CPU_KERNEL(epilogue_backward)(on, then, known, dy, seed);
}
[[gnu::noinline]] inline void add_forward(cpu& on, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(add_forward)(on, f);
}
[[gnu::noinline]] inline void add_backward(cpu& on, const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(add_backward)(on, b);
}
[[gnu::noinline]] inline void channel_scale_forward(cpu& on, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(channel_scale_forward)(on, f);
}
[[gnu::noinline]] inline void channel_scale_backward(cpu& on, const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(channel_scale_backward)(on, b);
}
[[gnu::noinline]] inline void plane_scale_forward(cpu& on, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(plane_scale_forward)(on, f);
}
[[gnu::noinline]] inline void plane_scale_backward(cpu& on, const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(plane_scale_backward)(on, b);
}
[[gnu::noinline]] inline void global_avg_pool2d_forward(cpu& on, const forward_pass<float>& f) {
  SEGX_CPU_KERNEL(global_avg_pool2d_forward)(on, f);
}
[[gnu::noinline]] inline void global_avg_pool2d_backward(cpu& on, const backward_pass<float>& b) {
  SEGX_CPU_KERNEL(global_avg_pool2d_backward)(on, b);
}

}  // namespace segx

#undef SEGX_CPU_KERNEL
