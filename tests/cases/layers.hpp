#pragma once

#include <array>
#include <string_view>
#include <tuple>
#include <vector>

#include <segx/layers/adaptive_avg_pool2d.hpp>
#include <segx/layers/add.hpp>
#include <segx/layers/avg_pool2d.hpp>
#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/channel_scale.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/conv_transpose2d.hpp>
#include <segx/layers/depthwise_conv2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/elu.hpp>
#include <segx/layers/global_avg_pool2d.hpp>
#include <segx/layers/group_norm2d.hpp>
#include <segx/layers/hard_sigmoid.hpp>
#include <segx/layers/hard_swish.hpp>
#include <segx/layers/instance_norm2d.hpp>
#include <segx/layers/leaky_relu.hpp>
#include <segx/layers/max_pool2d.hpp>
#include <segx/layers/plane_scale.hpp>
#include <segx/layers/prelu.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/relu6.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/layers/silu.hpp>
#include <segx/layers/softmax.hpp>
#include <segx/layers/stochastic_depth.hpp>
#include <segx/layers/upsample2d.hpp>

/// A layer with the shapes of its inputs.
template <class Layer, segx::shape... Inputs>
struct layer_case {
  using layer = Layer;
  static inline const std::vector<segx::shape> inputs{Inputs...};
};

/// Every layer that segx has, each with some of its options. A layer that is listed here gets a gradient check and a
/// check of agreement on every backend.
using layer_cases = std::tuple<
    layer_case<segx::conv3x3<9>, segx::shape{8, 5, 7}>,  //
    layer_case<segx::conv3x3<4>, segx::shape{3, 5, 7}>,  //
    layer_case<segx::conv1x1<5>, segx::shape{9, 3, 5}>,
    layer_case<segx::conv2d<segx::conv2d_options{.out_channels = 9, .bias = false}>, segx::shape{8, 5, 7}>,
    layer_case<segx::conv2d<segx::conv2d_options{.out_channels = 9, .stride = 2, .padding = 0, .end_padding = 1}>,
               segx::shape{8, 6, 8}>,
    layer_case<segx::conv2d<segx::conv2d_options{
                   .out_channels = 9, .stride = 2, .padding = 0, .groups = 9, .bias = false, .end_padding = 1}>,
               segx::shape{9, 6, 8}>,
    layer_case<segx::conv2d<segx::conv2d_options{.out_channels = 8, .kernel = 5, .stride = 2}>, segx::shape{3, 7, 9}>,
    layer_case<segx::conv2d<segx::conv2d_options{.out_channels = 8, .dilation = 2, .groups = 2}>, segx::shape{8, 5, 6}>,
    layer_case<segx::up_conv2x2<8>, segx::shape{9, 3, 4}>,
    layer_case<segx::conv_transpose2d<segx::conv_transpose2d_options{.out_channels = 3, .kernel = 3, .padding = 1}>,
               segx::shape{8, 4, 3}>,
    layer_case<segx::max_pool2d<2>, segx::shape{9, 6, 4}>,  //
    layer_case<segx::max_pool2d<3>, segx::shape{3, 6, 9}>,  //
    layer_case<segx::max_pool2d<segx::max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>,
               segx::shape{9, 7, 6}>,
    layer_case<segx::avg_pool2d<segx::avg_pool2d_options{}>, segx::shape{9, 6, 4}>,
    layer_case<segx::avg_pool2d<segx::avg_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>,
               segx::shape{9, 7, 6}>,
    layer_case<
        segx::avg_pool2d<segx::avg_pool2d_options{.kernel = 3, .stride = 1, .padding = 1, .count_include_pad = false}>,
        segx::shape{3, 5, 4}>,
    layer_case<segx::adaptive_avg_pool2d<3, 2>, segx::shape{9, 7, 5}>,
    layer_case<segx::adaptive_avg_pool2d<6>, segx::shape{3, 8, 5}>,
    layer_case<segx::upsample_nearest<2>, segx::shape{9, 3, 4}>,
    layer_case<segx::upsample_nearest<3>, segx::shape{3, 3, 2}>,
    layer_case<segx::upsample_bilinear<2>, segx::shape{9, 3, 4}>,
    layer_case<segx::upsample_bilinear<4>, segx::shape{3, 3, 2}>,
    layer_case<segx::upsample2d<segx::upsample2d_options{
                   .factor = 3, .mode = segx::interpolation::bilinear, .align_corners = true}>,
               segx::shape{9, 4, 3}>,
    layer_case<segx::batch_norm2d<>, segx::shape{9, 5, 7}>,
    layer_case<segx::batch_norm2d<segx::batch_norm2d_options{.epsilon = 1e-3, .momentum = 0.01}>, segx::shape{3, 4, 3}>,
    layer_case<segx::group_norm2d<3>, segx::shape{9, 5, 4}>,
    layer_case<segx::group_norm2d<2, 1e-3>, segx::shape{24, 3, 4}>,
    layer_case<segx::group_norm2d<1>, segx::shape{3, 4, 3}>, layer_case<segx::instance_norm2d<>, segx::shape{9, 5, 4}>,
    layer_case<segx::instance_norm2d<segx::instance_norm2d_options{.epsilon = 1e-3, .affine = true}>,
               segx::shape{9, 5, 4}>,
    layer_case<segx::instance_norm2d<segx::instance_norm2d_options{.affine = true}>, segx::shape{3, 4, 3}>,
    layer_case<segx::prelu<>, segx::shape{9, 5, 7}>, layer_case<segx::prelu<>, segx::shape{3, 5, 7}>,
    layer_case<segx::prelu<segx::prelu_options{.shared = true}>, segx::shape{17, 5, 7}>,
    layer_case<segx::softmax, segx::shape{9, 3, 4}>, layer_case<segx::softmax, segx::shape{3, 3, 4}>,
    layer_case<segx::depthwise_conv<3>, segx::shape{9, 5, 7}>,
    layer_case<segx::depthwise_conv<5, 2>, segx::shape{3, 5, 7}>,
    layer_case<segx::depthwise_conv2d<segx::depthwise_conv2d_options{
                   .stride = 2, .padding = 0, .bias = false, .end_padding = 1}>,
               segx::shape{9, 6, 8}>,
    layer_case<segx::plane_scale, segx::shape{9, 5, 7}, segx::shape{1, 5, 7}>,
    layer_case<segx::plane_scale, segx::shape{3, 5, 7}, segx::shape{1, 5, 7}>,
    layer_case<segx::relu, segx::shape{9, 5, 7}>,   //
    layer_case<segx::relu6, segx::shape{9, 5, 7}>,  //
    layer_case<segx::leaky_relu<0.1>, segx::shape{9, 5, 7}>, layer_case<segx::elu<0.5>, segx::shape{9, 5, 7}>,
    layer_case<segx::hard_sigmoid, segx::shape{9, 5, 7}>, layer_case<segx::silu, segx::shape{9, 5, 7}>,
    layer_case<segx::silu, segx::shape{3, 5, 7}>, layer_case<segx::hard_swish, segx::shape{9, 5, 7}>,
    layer_case<segx::stochastic_depth<50>, segx::shape{9, 5, 7}>, layer_case<segx::sigmoid, segx::shape{9, 5, 7}>,  //
    layer_case<segx::dropout<30>, segx::shape{9, 5, 7}>,
    layer_case<segx::concat, segx::shape{8, 5, 7}, segx::shape{9, 5, 7}>,
    layer_case<segx::concat, segx::shape{3, 5, 7}, segx::shape{8, 5, 7}>,
    layer_case<segx::conv2d<segx::conv2d_options{.out_channels = 9, .stride = 2, .groups = 9}>, segx::shape{9, 5, 6}>,
    layer_case<segx::global_avg_pool2d, segx::shape{9, 5, 7}>,
    layer_case<segx::channel_scale, segx::shape{9, 5, 7}, segx::shape{9, 1, 1}>,
    layer_case<segx::add, segx::shape{9, 5, 7}, segx::shape{9, 5, 7}>>;

/// Calls f(layer_case) for each of them.
void for_each_layer(auto&& f) {
  std::apply([&](auto... cases) { (f(cases), ...); }, layer_cases{});
}
