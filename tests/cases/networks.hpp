#pragma once

#include <tuple>

#include <segx/layers/add.hpp>
#include <segx/layers/attention_gate.hpp>
#include <segx/layers/channel_scale.hpp>
#include <segx/layers/depthwise_conv2d.hpp>
#include <segx/layers/global_avg_pool2d.hpp>
#include <segx/layers/group_norm2d.hpp>
#include <segx/layers/hard_swish.hpp>
#include <segx/layers/instance_norm2d.hpp>
#include <segx/layers/plane_scale.hpp>
#include <segx/layers/prelu.hpp>
#include <segx/layers/relu6.hpp>
#include <segx/layers/silu.hpp>
#include <segx/layers/softmax.hpp>
#include <segx/layers/squeeze_excite.hpp>
#include <segx/layers/upsample2d.hpp>
#include <segx/models/unet.hpp>

/// Small networks that between them take every turn of the passes over a graph and of the plan of memory.
namespace networks {

using namespace segx;

/// A U-Net of three floors with dropout: joins in place, fused epilogues, a head. Multiples of 4.
struct small_unet : network<input<1>, chain<unet<8, 16, 24>, named<"head", conv1x1<1>>, sigmoid>> {};

/// Joins that cannot be made in place (5 channels are no whole block, the image belongs to somebody else), a
/// stand-alone activation behind one, sums of what was skipped.
struct unjoined : network<input<3>, chain<skip<concat, conv3x3<5>, relu>, relu, conv3x3<9>,  //
                                          skip<add, conv3x3<9>, relu, dropout<20>, conv3x3<9>>, relu, conv1x1<2>>> {};

/// Joins in place with an activation behind them that works in place where it may; a tensor with three readers, one of
/// which comes after the join.
struct several_readers {
  static constexpr tensor wire(auto& g, tensor x) {
    const tensor a = g(relu{}, g(conv3x3<8>{}, x));  // [8,H,W]
    const tensor b = g(conv3x3<16>{}, a);            // [16,H,W], kept as it is: no epilogue
    const tensor c = g(concat{}, b, g(conv1x1<8>{}, a));
    const tensor d = g(conv3x3<8>{}, g(relu{}, c));       // [8,H,W]
    const tensor e = g(concat{}, d, g(conv3x3<8>{}, b));  // [16,H,W]; b once more, behind the join
    const tensor f = g(sigmoid{}, g(conv1x1<8>{}, e));    // [8,H,W]
    return g(add{}, f, g(dropout<30>{}, a));              // a once more
  }
};
struct rewired : network<input<2>, chain<several_readers, conv3x3<3>>> {};

/// Kernels that only exist as plain loops, strides, groups, tensors of 9 to 15 channels; multiples of 2.
struct odd_ones
    : network<input<9>,
              chain<conv2d<conv2d_options{.out_channels = 12, .groups = 3}>, sigmoid, conv3x3<11>, relu,
                    conv2d<conv2d_options{.out_channels = 10, .stride = 2}>, relu,
                    conv_transpose2d<conv_transpose2d_options{.out_channels = 9, .kernel = 4, .padding = 1}>, relu,
                    branches<concat, conv1x1<9>, conv3x3<8>, conv3x3<13>>, max_pool2d<2>, relu, conv1x1<2>>> {};

/// Layers that keep something for their backward pass, that work in place and read their result there; windows that
/// overlap; a plane of factors. Multiples of 2.
struct attentive
    : network<input<2>, chain<conv3x3<9>, group_norm2d<3>, prelu<>,
                              attention_skip<4, max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>,
                                             conv3x3<12>, instance_norm2d<>, softmax, upsample_bilinear<2>>,
                              conv1x1<2>>> {};

/// Blocks of MobileNet and EfficientNet: results that stream to the one layer that reads them, and one that does not,
/// as two read it; the last channels fill no block, or only one vector of two. Multiples of 2.
struct two_readers {
  static constexpr tensor wire(auto& g, tensor x) {
    const tensor wide = g(silu{}, g(conv1x1<16>{}, x));
    return g(add{}, g(depthwise_conv<3>{}, wide), wide);
  }
};
struct streaming
    : network<input<3>,
              chain<conv3x3<9>, conv1x1<20>, silu, depthwise_conv<5>, relu6, squeeze_excite<20, 6>, conv1x1<12>,
                    two_readers, skip<add, conv1x1<52>, hard_swish, dropout<20>, depthwise_conv<3>, conv1x1<16>>,
                    conv1x1<40>, depthwise_conv<7, 2>, sigmoid, conv1x1<2>>> {};

/// Layers whose two inputs are one tensor: its gradient is the sum of both.
struct squares {
  static constexpr tensor wire(auto& g, tensor x) {
    const tensor means = g(global_avg_pool2d{}, g(conv1x1<9>{}, x));  // [9,1,1]
    const tensor plane = g(conv1x1<1>{}, x);                          // [1,H,W]
    const tensor squared = g(channel_scale{}, means, means);
    const tensor scaled = g(channel_scale{}, g(conv1x1<9>{}, x), squared);
    return g(plane_scale{}, g(concat{}, scaled, g(add{}, scaled, scaled)), g(plane_scale{}, plane, plane));
  }
};
struct squared : network<input<3>, chain<squares, conv1x1<2>>> {};

/// A result that streams to a convolution to few channels, some pixels at a time.
struct narrowing : network<input<1>, chain<conv3x3<9>, conv1x1<400>, hard_swish, dropout<20>, conv1x1<2>>> {};
/// … where a task's pixels are as many as its many channels allow.
struct narrowing_much : network<input<2000>, chain<conv1x1<16>, relu, conv1x1<1>>> {};

using all = std::tuple<small_unet, unjoined, rewired, odd_ones, attentive, streaming, narrowing, squared>;

}  // namespace networks
