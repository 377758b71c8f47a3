// The kernels for the instruction set that this file is compiled for; SEGX_TABLE is the table's name.

#include <segx/kernels/cpu/avg_pool2d.hpp>
#include <segx/kernels/cpu/batch_norm2d.hpp>
#include <segx/kernels/cpu/conv2d.hpp>
#include <segx/kernels/cpu/elementwise.hpp>
#include <segx/kernels/cpu/expanded_depthwise.hpp>
#include <segx/kernels/cpu/group_norm2d.hpp>
#include <segx/kernels/cpu/grouped_conv2d.hpp>
#include <segx/kernels/cpu/kernel_table.hpp>
#include <segx/kernels/cpu/max_pool2d.hpp>
#include <segx/kernels/cpu/plane_scale.hpp>
#include <segx/kernels/cpu/prelu.hpp>
#include <segx/kernels/cpu/squeeze_excite.hpp>
#include <segx/kernels/cpu/strided_conv2d.hpp>
#include <segx/kernels/cpu/upsample2d.hpp>

namespace segx {

extern const kernel_table SEGX_TABLE;

constinit const kernel_table SEGX_TABLE{
    .instruction_set = simd::instruction_set,
    .conv2d_pack = simd::conv2d_pack,
    .conv2d_forward = simd::conv2d_forward,
    .conv2d_forward_streamed = simd::conv2d_forward_streamed,
    .conv2d_backward = simd::conv2d_backward,
    .grouped_conv2d_pack = simd::grouped_conv2d_pack,
    .grouped_conv2d_forward = simd::grouped_conv2d_forward,
    .grouped_conv2d_forward_streamed = simd::grouped_conv2d_forward_streamed,
    .grouped_conv2d_backward = simd::grouped_conv2d_backward,
    .strided_conv2d_pack = simd::strided_conv2d_pack,
    .strided_conv2d_forward = simd::strided_conv2d_forward,
    .conv_transpose2d_pack = simd::conv_transpose2d_pack,
    .conv_transpose2d_forward = simd::conv_transpose2d_forward,
    .conv_transpose2d_backward = simd::conv_transpose2d_backward,
    .batch_norm2d_forward = simd::batch_norm2d_forward,
    .batch_norm2d_backward = simd::batch_norm2d_backward,
    .group_norm2d_forward = simd::group_norm2d_forward,
    .group_norm2d_backward = simd::group_norm2d_backward,
    .max_pool2d_forward = simd::max_pool2d_forward,
    .max_pool2d_backward = simd::max_pool2d_backward,
    .avg_pool2d_forward = simd::avg_pool2d_forward,
    .avg_pool2d_backward = simd::avg_pool2d_backward,
    .upsample2d_forward = simd::upsample2d_forward,
    .upsample2d_backward = simd::upsample2d_backward,
    .prelu_forward = simd::prelu_forward,
    .prelu_backward = simd::prelu_backward,
    .pointwise_forward = simd::pointwise_forward,
    .epilogue_backward = simd::epilogue_backward,
    .add_forward = simd::add_forward,
    .add_backward = simd::add_backward,
    .channel_scale_forward = simd::channel_scale_forward,
    .channel_scale_backward = simd::channel_scale_backward,
    .plane_scale_forward = simd::plane_scale_forward,
    .plane_scale_backward = simd::plane_scale_backward,
    .global_avg_pool2d_forward = simd::global_avg_pool2d_forward,
    .global_avg_pool2d_backward = simd::global_avg_pool2d_backward,
};

}  // namespace segx
