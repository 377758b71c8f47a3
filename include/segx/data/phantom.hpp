#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>

#include <segx/core/error.hpp>
#include <segx/core/random.hpp>
#include <segx/data/phantom_anatomy.hpp>
#include <segx/data/phantom_canvas.hpp>
#include <segx/io/atomic_file.hpp>

namespace segx {

/// A procedural frontal chest X-ray and the lungs in it.
struct phantom {
  cv::Mat image;  ///< CV_16UC1 [size,size], bright is dense: bone white, lungs dark
  cv::Mat mask;   ///< CV_8UC1 [size,size], 255 where at least half of the pixel is visible lung, else 0
};

/// Draws one phantom. The picture is a sum of optical thicknesses (soft tissue, bone, minus air) that goes through a
/// film curve; the mask comes from the same shapes. As in the Montgomery and Shenzhen masks, heart, mediastinum,
/// everything below the diaphragm and fluid are not lung; ribs, clavicles and opacities over the lung are.
///
/// The same seed and size give the same phantom; another compiler, OpenCV or C library gives the same to within
/// rounding. Another size of the same seed shows the same body. Throws `error` unless 16 <= size <= 8192.
phantom make_phantom(std::uint64_t seed, int size);

/// Writes `count` phantoms as dir/images/phantom_0001.png (16-bit gray) and dir/masks/phantom_0001.png (0/255), and so
/// on; files of these names are replaced, others left alone. With the same seed and size, fewer phantoms are the first
/// ones of more. Throws `error` on bad arguments and if something cannot be written.
void write_phantoms(const std::filesystem::path& dir, int count, int size, std::uint64_t seed);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/impl/phantom.hpp>
#endif
