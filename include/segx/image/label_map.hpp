#pragma once

#include <cstddef>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string_view>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/image/read_image.hpp>

namespace segx {

/// What the values of a label map mean. A label map is the mask of an image whatever its classes: one CV_8UC1 of the
/// image's size, so that all that moves pixels moves one plane and never mixes labels.
enum class label_kind {
  binary,       ///< 0 or 1
  exclusive,    ///< the index of the pixel's only class, 0 … K − 1; class 0 is the background
  overlapping,  ///< bit k is set where class k is; at most eight classes
};

inline constexpr int most_overlapping_classes = 8;
inline constexpr int most_exclusive_classes = 256;

/// "binary", "exclusive" or "overlapping".
std::string_view text_of(label_kind kind);

/// Where class k is: CV_8UC1 in {0,1}. Of a binary map, k is 0.
cv::Mat mask_of_class(const cv::Mat& labels, label_kind kind, int k);

/// Writes a label map to the planes [n, 0 … K−1] of a batch of masks [N,K,H,W], each in {0,1}: of exclusive classes
/// one-hot.
void copy_to_masks(const cv::Mat& labels, label_kind kind, xt::xtensor<float, 4>& batch, std::size_t n);

/// Reads a label map of exclusive classes, whose pixels hold 0 … classes − 1: a gray image, or a PNG with a palette,
/// whose colours then do not matter. Throws segx::error with the file's name and the values found.
cv::Mat read_label_map(const std::filesystem::path& file, int classes);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/label_map.hpp>
#endif
