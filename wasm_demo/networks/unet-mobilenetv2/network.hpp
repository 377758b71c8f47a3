#pragma once

#include <segx/models/zoo.hpp>

/// What this program computes.
namespace page {

using network = segx::unet_mobilenetv2<1>;
inline constexpr int height = 256, width = 256;

}  // namespace page
