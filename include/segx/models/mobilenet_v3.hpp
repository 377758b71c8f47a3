#pragma once

#include <array>
#include <type_traits>
#include <utility>

#include <segx/layers/hard_sigmoid.hpp>
#include <segx/layers/hard_swish.hpp>
#include <segx/models/blocks.hpp>
#include <segx/models/encoder.hpp>

namespace segx {

enum class mobilenet_v3_size { small, large };

struct mobilenet_v3_block_options {
  int in, kernel, width, out;
  bool squeezes, uses_hard_swish;
  int stride;
};

/// Like MobileNetV2's block, with squeeze-and-excitation in some.
template <mobilenet_v3_block_options O>
struct mobilenet_v3_block {
  static constexpr batch_norm2d_options norm{.epsilon = 1e-3, .momentum = 0.01};
  static constexpr depthwise_conv2d_options depthwise{.kernel = O.kernel, .stride = O.stride, .bias = false};

  using act = std::conditional_t<O.uses_hard_swish, hard_swish, relu>;
  using expansion = conv_norm<plain_conv<O.width, 1>, norm, act>;
  using filter = conv_norm<depthwise_conv2d<depthwise>, norm, act>;
  static constexpr int quarter = O.width / 4;
  using squeeze = squeeze_block<O.width, rounded_channels(quarter), relu, hard_sigmoid>;
  using projection = conv_norm<plain_conv<O.out, 1>, norm>;

  using inner =
      std::conditional_t<O.squeezes, numbered<1, filter, squeeze, projection>, numbered<1, filter, projection>>;
  using thin =
      std::conditional_t<O.squeezes, numbered<0, filter, squeeze, projection>, numbered<0, filter, projection>>;
  using body = named<"block", std::conditional_t<O.width == O.in, thin, chain<named<"0", expansion>, inner>>>;

  static constexpr tensor wire(auto& g, tensor x) {
    const tensor y = g(body{}, x);
    if constexpr (O.stride == 1 && O.in == O.out) { return g(add{}, x, y); }
    return y;
  }
};

/// MobileNetV3; taps at strides 2 to 32. H and W multiples of 32.
/// Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244.
template <mobilenet_v3_size Size>
struct mobilenet_v3 {
  static constexpr bool is_large = Size == mobilenet_v3_size::large;
  static constexpr batch_norm2d_options norm{.epsilon = 1e-3, .momentum = 0.01};
  static constexpr int block_count = is_large ? 15 : 11;

  static constexpr std::array<mobilenet_v3_block_options, block_count> blocks = [] {
    if constexpr (is_large) {
      return std::array<mobilenet_v3_block_options, block_count>{{{16, 3, 16, 16, false, false, 1},
                                                                  {16, 3, 64, 24, false, false, 2},
                                                                  {24, 3, 72, 24, false, false, 1},
                                                                  {24, 5, 72, 40, true, false, 2},
                                                                  {40, 5, 120, 40, true, false, 1},
                                                                  {40, 5, 120, 40, true, false, 1},
                                                                  {40, 3, 240, 80, false, true, 2},
                                                                  {80, 3, 200, 80, false, true, 1},
                                                                  {80, 3, 184, 80, false, true, 1},
                                                                  {80, 3, 184, 80, false, true, 1},
                                                                  {80, 3, 480, 112, true, true, 1},
                                                                  {112, 3, 672, 112, true, true, 1},
                                                                  {112, 5, 672, 160, true, true, 2},
                                                                  {160, 5, 960, 160, true, true, 1},
                                                                  {160, 5, 960, 160, true, true, 1}}};
    } else {
      return std::array<mobilenet_v3_block_options, block_count>{{{16, 3, 16, 16, true, false, 2},
                                                                  {16, 3, 72, 24, false, false, 2},
                                                                  {24, 3, 88, 24, false, false, 1},
                                                                  {24, 5, 96, 40, true, true, 2},
                                                                  {40, 5, 240, 40, true, true, 1},
                                                                  {40, 5, 240, 40, true, true, 1},
                                                                  {40, 5, 120, 48, true, true, 1},
                                                                  {48, 5, 144, 48, true, true, 1},
                                                                  {48, 5, 288, 96, true, true, 2},
                                                                  {96, 5, 576, 96, true, true, 1},
                                                                  {96, 5, 576, 96, true, true, 1}}};
    }
  }();

  /// How many blocks come before each tap; where none do, the first convolution makes it.
  static constexpr std::array ends = is_large ? std::array{1, 3, 6, 12, 15} : std::array{0, 1, 3, 8, 11};
  static constexpr std::array channels{16, blocks[ends[1] - 1].out, blocks[ends[2] - 1].out, blocks[ends[3] - 1].out,
                                       blocks[ends[4] - 1].out};

  static constexpr int last_width = 6 * blocks[block_count - 1].out;
  template <int Classes>
  using head =
      chain<named<sentence{"features", block_count + 1}, conv_norm<plain_conv<last_width, 1>, norm, hard_swish>>,
            global_avg_pool2d, named<"classifier.0", conv1x1<is_large ? 1280 : 1024>>, hard_swish, dropout<20>,
            named<"classifier.3", conv1x1<Classes>>>;

  static constexpr std::array<tensor, 5> taps(auto& g, tensor x) {
    x = g(named<"features.0", conv_norm<plain_conv<16, 3, 2>, norm, hard_swish>>{}, x);
    const tensor t2 = part_of<0, ends[0]>(g, x);
    const tensor t4 = part_of<ends[0], ends[1]>(g, t2);
    const tensor t8 = part_of<ends[1], ends[2]>(g, t4);
    const tensor t16 = part_of<ends[2], ends[3]>(g, t8);
    return {t2, t4, t8, t16, part_of<ends[3], ends[4]>(g, t16)};
  }

 private:
  template <int Begin, int... Block>
  static auto blocks_of(std::integer_sequence<int, Block...>)
      -> named<"features", numbered<Begin + 1, mobilenet_v3_block<blocks[Begin + Block]>...>>;

  template <int Begin, int End>
  static constexpr tensor part_of(auto& g, tensor x) {
    if constexpr (Begin == End) {
      return x;
    } else {
      return g(decltype(blocks_of<Begin>(std::make_integer_sequence<int, End - Begin>{})){}, x);
    }
  }
};

}  // namespace segx
