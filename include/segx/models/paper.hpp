#pragma once

#include <segx/core/network.hpp>
#include <segx/models/decoders.hpp>
#include <segx/models/efficientnet.hpp>
#include <segx/models/resunet.hpp>
#include <segx/models/segmentation.hpp>
#include <segx/models/unet.hpp>

/// The five models of Belozerov & Sudakov, "Investigation of machine learning models for medical image segmentation",
/// Keldysh Institute preprint, 2022.
namespace segx {

/// №1 and №4 are one network, trained with other losses: 1×256×256.
using paper_unet_1 = unet64;
using paper_unet_4 = unet64;

/// №2: residual blocks, 3×256×256.
using paper_unet_2 = resunet;

/// №3: an EfficientNet-B3 and a U-Net's decoder, 3×512×512.
struct unet_effb3 : network<input<3>, segmentation<efficientnet<b3>, unet_decoder<256, 128, 64, 32, 16>>> {};
using paper_unet_3 = unet_effb3;

/// LinkNet on the same encoder, 3×512×512.
struct linknet_effb3 : network<input<3>, segmentation<efficientnet<b3>, linknet_decoder<32>>> {};
using paper_linknet = linknet_effb3;

/// Narrow ones, which two cores train in minutes. №1 and №4 have `unet16`.
struct resunet8 : network<input<3>, residual_unet<8>> {};

/// An EfficientNet of half the width and half the depth of the smallest: 10 blocks.
using efficientnet_half =
    efficientnet<efficientnet_scale{.width = 0.5, .depth = 0.5, .dropout_percent = 20, .norm = {}}>;
struct unet_effhalf : network<input<3>, segmentation<efficientnet_half, unet_decoder<64, 32, 24, 16, 8>>> {};
struct linknet_effhalf : network<input<3>, segmentation<efficientnet_half, linknet_decoder<16>>> {};

}  // namespace segx
