#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include <segx/core/real.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/layers/silu.hpp>
#include <segx/layers/stochastic_depth.hpp>
#include <segx/models/blocks.hpp>
#include <segx/models/encoder.hpp>

namespace segx {

/// How one of the EfficientNets differs from the smallest; width and depth are factors.
struct efficientnet_scale {
  real width, depth;
  int dropout_percent;
  batch_norm2d_options norm;
};

inline constexpr efficientnet_scale b0{1.0, 1.0, 20, {}};
inline constexpr efficientnet_scale b1{1.0, 1.1, 20, {}};
inline constexpr efficientnet_scale b2{1.1, 1.2, 30, {}};
inline constexpr efficientnet_scale b3{1.2, 1.4, 30, {}};
inline constexpr efficientnet_scale b4{1.4, 1.8, 40, {}};
inline constexpr efficientnet_scale b5{1.6, 2.2, 40, {.epsilon = 1e-3, .momentum = 0.01}};
inline constexpr efficientnet_scale b6{1.8, 2.6, 50, {.epsilon = 1e-3, .momentum = 0.01}};
inline constexpr efficientnet_scale b7{2.0, 3.1, 50, {.epsilon = 1e-3, .momentum = 0.01}};

struct mbconv_options {
  int in, out, kernel, stride, expand;
  real drop_percent;  // of stochastic depth
  batch_norm2d_options norm;
};

/// MBConv: 1×1 convolution to more channels, depthwise convolution, squeeze-and-excitation, 1×1 to few; what came is
/// added where shapes allow.   [in,H,W] → [out,H/stride,W/stride]
template <mbconv_options O>
struct mbconv {
  static constexpr int width = rounded_channels(O.in * O.expand);
  static constexpr int squeezed = O.in / 4 > 1 ? O.in / 4 : 1;
  static constexpr depthwise_conv2d_options depthwise{.kernel = O.kernel, .stride = O.stride, .bias = false};

  using expansion = conv_norm<plain_conv<width, 1>, O.norm, silu>;
  using filter = conv_norm<depthwise_conv2d<depthwise>, O.norm, silu>;
  using squeeze = squeeze_block<width, squeezed, silu, sigmoid>;
  using projection = conv_norm<plain_conv<O.out, 1>, O.norm>;
  using body = named<"block", std::conditional_t<O.expand == 1, numbered<0, filter, squeeze, projection>,
                                                 numbered<0, expansion, filter, squeeze, projection>>>;

  static constexpr tensor wire(auto& g, tensor x) {
    tensor y = g(body{}, x);
    if constexpr (O.stride == 1 && O.in == O.out) {
      if constexpr (O.drop_percent > 0) { y = g(stochastic_depth<O.drop_percent>{}, y); }
      return g(add{}, x, y);
    }
    return y;
  }
};

/// EfficientNet, one of `b0` to `b7`; taps at strides 2 to 32. H and W multiples of 32.
/// Source: Tan & Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019,
/// arXiv:1905.11946; batch normalisations and stochastic depth (up to 20 %) as in torchvision.
template <efficientnet_scale Scale>
struct efficientnet {
  struct stage_options {
    int expand, kernel, stride, channels, depth;
  };
  static constexpr std::array<stage_options, 7> stages = [] {
    std::array<stage_options, 7> result{{{1, 3, 1, 16, 1},
                                         {6, 3, 2, 24, 2},
                                         {6, 5, 2, 40, 2},
                                         {6, 3, 2, 80, 3},
                                         {6, 5, 1, 112, 3},
                                         {6, 5, 2, 192, 4},
                                         {6, 3, 1, 320, 1}}};
    for (stage_options& s : result) {
      s.channels = rounded_channels(s.channels * Scale.width);
      const double depth = s.depth * Scale.depth;
      s.depth = static_cast<int>(depth) + (static_cast<int>(depth) < depth - 1e-9 ? 1 : 0);  // rounded up
    }
    return result;
  }();
  static constexpr int first_width = rounded_channels(32 * Scale.width);
  static constexpr int block_count = [] {
    int sum = 0;
    for (const stage_options& s : stages) { sum += s.depth; }
    return sum;
  }();

  static constexpr std::array channels{stages[0].channels, stages[1].channels, stages[2].channels, stages[4].channels,
                                       stages[6].channels};

  template <int Classes>
  using head = chain<named<"features.8", conv_norm<plain_conv<4 * stages[6].channels, 1>, Scale.norm, silu>>,
                     global_avg_pool2d, dropout<Scale.dropout_percent>, named<"classifier.1", conv1x1<Classes>>>;

  static constexpr std::array<tensor, 5> taps(auto& g, tensor x) {
    x = g(named<"features.0", conv_norm<plain_conv<first_width, 3, 2>, Scale.norm, silu>>{}, x);
    const tensor t2 = g(stage<0>{}, x);
    const tensor t4 = g(stage<1>{}, t2);
    const tensor t8 = g(stage<2>{}, t4);
    const tensor t16 = g(chain<stage<3>, stage<4>>{}, t8);
    return {t2, t4, t8, t16, g(chain<stage<5>, stage<6>>{}, t16)};
  }

 private:
  static constexpr int blocks_before(int stage) {
    int sum = 0;
    for (int s = 0; s < stage; ++s) { sum += stages[s].depth; }
    return sum;
  }
  static constexpr mbconv_options block_options(int stage, int block) {
    const stage_options& s = stages[stage];
    const int before = stage == 0 ? first_width : stages[stage - 1].channels;
    return {.in = block == 0 ? before : s.channels,
            .out = s.channels,
            .kernel = s.kernel,
            .stride = block == 0 ? s.stride : 1,
            .expand = s.expand,
            .drop_percent = 20.0 * (blocks_before(stage) + block) / block_count,
            .norm = Scale.norm};
  }

  template <int Stage, int... Block>
  static auto blocks_of(std::integer_sequence<int, Block...>) -> numbered<0, mbconv<block_options(Stage, Block)>...>;

  template <int Stage>
  using stage = named<sentence{"features", Stage + 1},
                      decltype(blocks_of<Stage>(std::make_integer_sequence<int, stages[Stage].depth>{}))>;
};

}  // namespace segx
