#pragma once

#include <segx/models/unet.hpp>

/// What this program computes.
namespace page {

using network = segx::unet16;
inline constexpr int height = 256, width = 256;

}  // namespace page
