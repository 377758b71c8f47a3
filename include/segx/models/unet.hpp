#pragma once

#include <segx/core/combine.hpp>
#include <segx/core/network.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/conv_transpose2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/max_pool2d.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/sigmoid.hpp>

namespace segx {

/// Two 3×3 convolutions with ReLU and dropout between them, as in every block of the paper's U-Net.   [C,H,W] →
/// [Channels,H,W]
template <int Channels, int DropoutPercent>
using double_conv = chain<named<"conv1", conv3x3<Channels>>, relu, dropout<DropoutPercent>,  //
                          named<"conv2", conv3x3<Channels>>, relu>;

/// One floor of the U: encode, go down and come back, join what was skipped, decode.
template <int Floor, int Channels, int DropoutPercent, part Deeper>
using unet_floor =
    chain<named<sentence{"encoder", Floor}, double_conv<Channels, DropoutPercent>>,
          skip<concat, max_pool2d<2>, Deeper, named<sentence{"decoder", Floor}, named<"up", up_conv2x2<Channels>>>>,
          named<sentence{"decoder", Floor}, double_conv<Channels, DropoutPercent>>>;

template <int DropoutPercent, int Floor, int Channels, int... Deeper>
struct unet_body : unet_floor<Floor, Channels, DropoutPercent, unet_body<DropoutPercent, Floor + 1, Deeper...>> {};

template <int DropoutPercent, int Floor, int Bottleneck>
struct unet_body<DropoutPercent, Floor, Bottleneck> : named<"bottleneck", double_conv<Bottleneck, DropoutPercent>> {};

/// U-Net whose floors have the given channel counts, outermost first; the last one is the bottleneck. [C,H,W] →
/// [first,H,W]; H and W must be multiples of 2 to the number of floors above the bottleneck.
///
/// Source: Ronneberger, Fischer & Brox, MICCAI 2015, arXiv:1505.04597; here with padding and dropout, as in Belozerov &
/// Sudakov, "Investigation of machine learning models for medical image segmentation", Keldysh Institute preprint,
/// 2022.
template <int... Channels>
using unet = unet_body<10, 0, Channels...>;

/// The paper's first U-Net at any width: five floors from Base to 16·Base channels, 1×1 convolution, sigmoid, or
/// softmax for classes that exclude each other.   [C,H,W] → [Classes,H,W], H and W multiples of 16; probabilities, or
/// logits where training asks for them.
template <int Base, int Classes = 1, layer Head = sigmoid>
using lung_unet = chain<unet<Base, 2 * Base, 4 * Base, 8 * Base, 16 * Base>, named<"head", conv1x1<Classes>>, Head>;

struct unet8 : network<input<1>, lung_unet<8>> {};
struct unet16 : network<input<1>, lung_unet<16>> {};
struct unet32 : network<input<1>, lung_unet<32>> {};
struct unet64 : network<input<1>, lung_unet<64>> {};
struct unet16_rgb : network<input<3>, lung_unet<16>> {};

}  // namespace segx
