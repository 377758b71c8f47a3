#pragma once

#include <segx/core/network.hpp>
#include <segx/models/decoders.hpp>
#include <segx/models/efficientnet.hpp>
#include <segx/models/mobilenet_v2.hpp>
#include <segx/models/mobilenet_v3.hpp>
#include <segx/models/resnet.hpp>
#include <segx/models/segmentation.hpp>

/// Networks of an encoder and a decoder that have a name in the program, and classifiers of a thousand classes, whose
/// published weights can be imported. Any other pair is one line, as these are.
namespace segx {

/// MobileNetV2 with zeros around images as TensorFlow has them, since the ImageNet weights that are easiest to get are
/// TensorFlow's. 2.3 M parameters in the encoder.
using tf_mobilenet_v2 = mobilenet_v2<1.0, halving::at_end>;

template <int Channels>
struct unet_mobilenetv2 : network<input<Channels>, segmentation<tf_mobilenet_v2, unet_decoder<128, 64, 48, 32, 16>>> {};
template <int Channels>
struct linknet_mobilenetv2 : network<input<Channels>, segmentation<tf_mobilenet_v2, linknet_decoder<32>>> {};

template <int Layers>
struct unet_resnet : network<input<3>, segmentation<resnet<Layers>, unet_decoder<256, 128, 64, 32, 16>>> {};

struct unet_plus_plus_resnet18
    : network<input<3>, segmentation<resnet<18>, unet_plus_plus_decoder<256, 128, 64, 32, 16>>> {};
struct attention_unet_resnet18
    : network<input<3>, segmentation<resnet<18>, attention_unet_decoder<256, 128, 64, 32, 16>>> {};
struct fpn_resnet18 : network<input<3>, segmentation<resnet<18>, fpn_decoder<128, 64>>> {};

template <class Encoder, int Classes = 1000>
struct image_classifier : network<input<3>, classifier<Encoder, Classes>> {};

}  // namespace segx
