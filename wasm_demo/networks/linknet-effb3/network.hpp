#pragma once

#include <segx/models/paper.hpp>

/// What this program computes.
namespace page {

using network = segx::linknet_effb3;
inline constexpr int height = 512, width = 512;

}  // namespace page
