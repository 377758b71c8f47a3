#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <segx/layers/max_pool2d.hpp>
#include <segx/models/blocks.hpp>
#include <segx/models/encoder.hpp>

namespace segx {

/// Two 3×3 convolutions, and what they change added to what came.   [C,H,W] → [Channels,H/Stride,W/Stride]
template <int Channels, int Stride, bool Projects>
struct basic_block {
  using body = chain<named<"conv1", plain_conv<Channels, 3, Stride>>, named<"bn1", batch_norm2d<>>, relu,
                     named<"conv2", plain_conv<Channels, 3>>, named<"bn2", batch_norm2d<>>>;
  using shortcut = named<"downsample", conv_norm<plain_conv<Channels, 1, Stride>, batch_norm2d_options{}>>;

  static constexpr tensor wire(auto& g, tensor x) {
    const tensor y = g(body{}, x);
    if constexpr (Projects) { x = g(shortcut{}, x); }
    return g(relu{}, g(add{}, x, y));
  }
};

/// The same with a 3×3 convolution between 1×1 ones, four times as wide outside as inside.   [C,H,W] →
/// [Channels,H/Stride,W/Stride]
template <int Channels, int Stride, bool Projects>
struct bottleneck_block {
  using body = chain<named<"conv1", plain_conv<Channels / 4, 1>>, named<"bn1", batch_norm2d<>>, relu,
                     named<"conv2", plain_conv<Channels / 4, 3, Stride>>, named<"bn2", batch_norm2d<>>, relu,
                     named<"conv3", plain_conv<Channels, 1>>, named<"bn3", batch_norm2d<>>>;
  using shortcut = named<"downsample", conv_norm<plain_conv<Channels, 1, Stride>, batch_norm2d_options{}>>;

  static constexpr tensor wire(auto& g, tensor x) {
    const tensor y = g(body{}, x);
    if constexpr (Projects) { x = g(shortcut{}, x); }
    return g(relu{}, g(add{}, x, y));
  }
};

/// ResNet of 18, 34 or 50 layers; taps at strides 2 to 32. H and W multiples of 32.
/// Source: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv:1512.03385.
template <int Layers>
  requires(Layers == 18 || Layers == 34 || Layers == 50)
struct resnet {
  static constexpr bool is_deep = Layers == 50;
  static constexpr int widening = is_deep ? 4 : 1;
  static constexpr std::array<int, 4> depths = Layers == 18 ? std::array{2, 2, 2, 2} : std::array{3, 4, 6, 3};
  static constexpr std::array channels{64, 64 * widening, 128 * widening, 256 * widening, 512 * widening};

  template <int Classes>
  using head = chain<global_avg_pool2d, named<"fc", conv1x1<Classes>>>;

  static constexpr std::array<tensor, 5> taps(auto& g, tensor x) {
    using pool = max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>;
    const tensor t2 = g(chain<named<"conv1", plain_conv<64, 7, 2>>, named<"bn1", batch_norm2d<>>, relu>{}, x);
    const tensor t4 = g(chain<pool, stage<0>>{}, t2);
    const tensor t8 = g(stage<1>{}, t4);
    const tensor t16 = g(stage<2>{}, t8);
    return {t2, t4, t8, t16, g(stage<3>{}, t16)};
  }

 private:
  static constexpr int stride(int stage, int block) { return block == 0 && stage > 0 ? 2 : 1; }
  static constexpr bool projects(int stage, int block) { return block == 0 && (stage > 0 || is_deep); }
  static constexpr sentence name_of(int stage) {
    sentence name{"layer"};
    name.append(stage + 1);
    return name;
  }

  template <int Stage, int Block>
  using block =
      std::conditional_t<is_deep, bottleneck_block<channels[Stage + 1], stride(Stage, Block), projects(Stage, Block)>,
                         basic_block<channels[Stage + 1], stride(Stage, Block), projects(Stage, Block)>>;

  template <int Stage, int... Block>
  static auto blocks_of(std::integer_sequence<int, Block...>) -> numbered<0, block<Stage, Block>...>;

  template <int Stage>
  using stage = named<name_of(Stage), decltype(blocks_of<Stage>(std::make_integer_sequence<int, depths[Stage]>{}))>;
};

}  // namespace segx
