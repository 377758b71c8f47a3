#pragma once

#include <segx/core/combine.hpp>
#include <segx/layers/channel_scale.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/global_avg_pool2d.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/sigmoid.hpp>

namespace segx {

/// Weighs channels by what all of them hold on average:  y = x · sigmoid(W₂ relu(W₁ mean(x) + b₁) + b₂)
///
///   x [N,Channels,H,W]    W₁ [Squeezed,Channels]    W₂ [Channels,Squeezed]    y [N,Channels,H,W]
///
/// Source: Hu, Shen & Sun, "Squeeze-and-excitation networks", CVPR 2018, arXiv:1709.01507.
template <int Channels, int Squeezed>
using squeeze_excite = skip<channel_scale, global_avg_pool2d, conv1x1<Squeezed>, relu, conv1x1<Channels>, sigmoid>;

}  // namespace segx
