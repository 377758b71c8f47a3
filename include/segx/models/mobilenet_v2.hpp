#pragma once

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include <segx/core/real.hpp>
#include <segx/layers/relu6.hpp>
#include <segx/models/blocks.hpp>
#include <segx/models/encoder.hpp>

namespace segx {

/// Where zeros go around an image of even size that a convolution halves.
enum class halving {
  symmetric,  ///< one more above and at the left: torchvision, timm
  at_end      ///< one more below and at the right only: TensorFlow's "same"
};

struct inverted_residual_options {
  int in, out, stride, expand;
  halving how = halving::symmetric;
};

/// 1×1 convolution to more channels, depthwise 3×3, 1×1 to few; what came is added where shapes allow.   [in,H,W] →
/// [out,H/stride,W/stride]
template <inverted_residual_options O>
struct inverted_residual {
  static constexpr int width = O.in * O.expand;
  static constexpr bool at_end = O.stride == 2 && O.how == halving::at_end;
  static constexpr depthwise_conv2d_options depthwise{
      .kernel = 3, .stride = O.stride, .padding = at_end ? 0 : 1, .bias = false, .end_padding = at_end ? 1 : 0};

  using expansion = conv_norm<plain_conv<width, 1>, batch_norm2d_options{}, relu6>;
  using filter = conv_norm<depthwise_conv2d<depthwise>, batch_norm2d_options{}, relu6>;
  using thin = numbered<0, filter, plain_conv<O.out, 1>, batch_norm2d<>>;
  using wide = numbered<0, expansion, filter, plain_conv<O.out, 1>, batch_norm2d<>>;
  using body = named<"conv", std::conditional_t<O.expand == 1, thin, wide>>;

  static constexpr tensor wire(auto& g, tensor x) {
    const tensor y = g(body{}, x);
    if constexpr (O.stride == 1 && O.in == O.out) { return g(add{}, x, y); }
    return y;
  }
};

/// MobileNetV2, all widths times `Width`; taps at strides 2 to 32. H and W multiples of 32.
/// Source: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018, arXiv:1801.04381.
template <real Width = 1.0, halving How = halving::symmetric>
struct mobilenet_v2 {
  struct stage_options {
    int expand, channels, depth, stride;
  };
  static constexpr std::array<stage_options, 7> stages{
      {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}}};
  static constexpr int wide(int channels_at_1) { return rounded_channels(channels_at_1 * Width); }

  static constexpr std::array channels{wide(16), wide(24), wide(32), wide(96), wide(320)};

  /// The last convolution has 1280 channels, or more where all are widened.
  template <int Classes>
  using head = chain<named<"features.18", conv_norm<plain_conv<rounded_channels(1280 * std::max(Width.value, 1.0)), 1>,
                                                    batch_norm2d_options{}, relu6>>,
                     global_avg_pool2d, dropout<20>, named<"classifier.1", conv1x1<Classes>>>;

  static constexpr std::array<tensor, 5> taps(auto& g, tensor x) {
    x = g(named<"features.0", conv_norm<conv2d<first>, batch_norm2d_options{}, relu6>>{}, x);
    const tensor t2 = g(stage<0, 1>{}, x);
    const tensor t4 = g(stage<1, 2>{}, t2);
    const tensor t8 = g(stage<2, 4>{}, t4);
    const tensor t16 = g(chain<stage<3, 7>, stage<4, 11>>{}, t8);
    return {t2, t4, t8, t16, g(chain<stage<5, 14>, stage<6, 17>>{}, t16)};
  }

 private:
  static constexpr bool at_end = How == halving::at_end;
  static constexpr conv2d_options first{
      .out_channels = wide(32), .stride = 2, .padding = at_end ? 0 : 1, .bias = false, .end_padding = at_end ? 1 : 0};
  static constexpr int width_before(int stage) { return stage == 0 ? wide(32) : wide(stages[stage - 1].channels); }

  template <int Stage, int First, int... Block>
  static auto blocks_of(std::integer_sequence<int, Block...>)
      -> numbered<First, inverted_residual<inverted_residual_options{
                             .in = Block == 0 ? width_before(Stage) : wide(stages[Stage].channels),
                             .out = wide(stages[Stage].channels),
                             .stride = Block == 0 ? stages[Stage].stride : 1,
                             .expand = stages[Stage].expand,
                             .how = How}>...>;

  /// The blocks of a stage, which are features `First` and following.
  template <int Stage, int First>
  using stage =
      named<"features", decltype(blocks_of<Stage, First>(std::make_integer_sequence<int, stages[Stage].depth>{}))>;
};

}  // namespace segx
