#pragma once

#include <segx/kernels/avg_pool2d.hpp>
#include <segx/kernels/batch_norm2d.hpp>
#include <segx/kernels/conv2d.hpp>
#include <segx/kernels/cpu/cpu_backend.hpp>
#include <segx/kernels/elementwise.hpp>
#include <segx/kernels/group_norm2d.hpp>
#include <segx/kernels/max_pool2d.hpp>
#include <segx/kernels/prelu.hpp>
#include <segx/kernels/upsample2d.hpp>

namespace segx {

/// The kernels of the backend `cpu` for one instruction set; see kernels/cpu.hpp and the folder kernels/.
struct kernel_table {
  const char* instruction_set;
  void (*conv2d_pack)(cpu&, const conv2d_geometry&, const packing<float>&);
  void (*conv2d_forward)(cpu&, const conv2d_geometry&, const forward_pass<float>&);
  void (*conv2d_forward_streamed)(cpu&, const conv2d_geometry&, const forward_pass<float>&, const forward_pass<float>&);
  void (*conv2d_backward)(cpu&, const conv2d_geometry&, const backward_pass<float>&);
  void (*grouped_conv2d_pack)(cpu&, const conv2d_geometry&, const packing<float>&);
  void (*grouped_conv2d_forward)(cpu&, const conv2d_geometry&, const forward_pass<float>&);
  void (*grouped_conv2d_forward_streamed)(cpu&, const conv2d_geometry&, const forward_pass<float>&,
                                          const forward_pass<float>&);
  void (*grouped_conv2d_backward)(cpu&, const conv2d_geometry&, const backward_pass<float>&);
  void (*strided_conv2d_pack)(cpu&, const conv2d_geometry&, packing<float>);
  void (*strided_conv2d_forward)(cpu&, const conv2d_geometry&, const forward_pass<float>&);
  void (*conv_transpose2d_pack)(cpu&, const conv2d_geometry&, const packing<float>&);
  void (*conv_transpose2d_forward)(cpu&, const conv2d_geometry&, const forward_pass<float>&);
  void (*conv_transpose2d_backward)(cpu&, const conv2d_geometry&, const backward_pass<float>&);
  void (*batch_norm2d_forward)(cpu&, const batch_norm2d_geometry&, const forward_pass<float>&);
  void (*batch_norm2d_backward)(cpu&, const batch_norm2d_geometry&, const backward_pass<float>&);
  void (*group_norm2d_forward)(cpu&, const group_norm2d_geometry&, const forward_pass<float>&);
  void (*group_norm2d_backward)(cpu&, const group_norm2d_geometry&, const backward_pass<float>&);
  void (*max_pool2d_forward)(cpu&, const pool2d_geometry&, const forward_pass<float>&);
  void (*max_pool2d_backward)(cpu&, const pool2d_geometry&, const backward_pass<float>&);
  void (*avg_pool2d_forward)(cpu&, const avg_pool2d_geometry&, const forward_pass<float>&);
  void (*avg_pool2d_backward)(cpu&, const avg_pool2d_geometry&, const backward_pass<float>&);
  void (*upsample2d_forward)(cpu&, const upsample2d_geometry&, const forward_pass<float>&);
  void (*upsample2d_backward)(cpu&, const upsample2d_geometry&, const backward_pass<float>&);
  void (*prelu_forward)(cpu&, const prelu_geometry&, const forward_pass<float>&);
  void (*prelu_backward)(cpu&, const prelu_geometry&, const backward_pass<float>&);
  void (*pointwise_forward)(cpu&, const forward_pass<float>&);
  void (*epilogue_backward)(cpu&, const epilogue&, view<const float> known, view<float> dy, std::uint32_t seed);
  void (*add_forward)(cpu&, const forward_pass<float>&);
  void (*add_backward)(cpu&, const backward_pass<float>&);
  void (*channel_scale_forward)(cpu&, const forward_pass<float>&);
  void (*channel_scale_backward)(cpu&, const backward_pass<float>&);
  void (*plane_scale_forward)(cpu&, const forward_pass<float>&);
  void (*plane_scale_backward)(cpu&, const backward_pass<float>&);
  void (*global_avg_pool2d_forward)(cpu&, const forward_pass<float>&);
  void (*global_avg_pool2d_backward)(cpu&, const backward_pass<float>&);
};

/// The best table for the processor that runs. Defined in the library segx::kernels. Throws `error` if the processor
/// has none of the instruction sets.
const kernel_table& compiled_kernels();

}  // namespace segx
