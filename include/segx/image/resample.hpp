#pragma once

#include <span>

namespace segx {

/// Resizes an image, row-major [in_height, in_width] -> [out_height, out_width]: the one definition of how segx resizes
/// images, in training, prediction and the browser. Standard library only, and nothing is thrown, for WebAssembly.
///
/// Each axis by itself: where it shrinks, the average over the area that an output pixel covers (pixels at its border
/// weigh what is covered of them); where it grows, linear between pixel centres (at half pixels), the edge continued.
/// As cv::resize with INTER_AREA where both axes shrink, INTER_LINEAR where both grow. An axis of equal length is
/// copied.
///
/// Preconditions: all extents positive, in.size() = in_height·in_width, out.size() = out_height·out_width, no overlap.
void resize(std::span<const float> in, int in_height, int in_width, std::span<float> out, int out_height,
            int out_width);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/resample.hpp>
#endif
