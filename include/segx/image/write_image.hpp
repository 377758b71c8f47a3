#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <opencv2/core.hpp>
#include <vector>

#include <segx/core/error.hpp>

namespace segx {

/// Writes an image of 8 or 16 bits, gray or BGR, as PNG. Throws segx::error with the file's name and the reason; what
/// stood there before is then still there.
void write_png(const std::filesystem::path& file, const cv::Mat& image);

/// Writes a mask, CV_8UC1 in {0,1}, as an 8-bit PNG of 0 and 255.
void write_mask(const std::filesystem::path& file, const cv::Mat& mask);

/// Writes probabilities, CV_32FC1 in [0,1], as a 16-bit PNG: round(65535 p), clamped.
void write_probability(const std::filesystem::path& file, const cv::Mat& probability);

/// Colours of overlay(), BGR; told apart by colour-blind eyes too (Okabe and Ito's palette).
inline const cv::Vec3b overlay_mask_colour{233, 180, 86};  // sky blue
inline const cv::Vec3b overlay_truth_colour{0, 94, 213};   // vermilion
/// … and of several classes, one after the other; a seventh has the colour of the first.
inline const std::array<cv::Vec3b, 6> overlay_class_colours{{overlay_mask_colour,
                                                             {0, 159, 230},      // orange
                                                             {115, 158, 0},      // bluish green
                                                             {66, 228, 240},     // yellow
                                                             {178, 114, 0},      // blue
                                                             {167, 121, 204}}};  // reddish purple

namespace detail {

/// The mask's own pixels that touch its outside: a contour `thickness` pixels wide, 1 where it runs.
cv::Mat inner_contour(const cv::Mat& mask, int thickness);

inline int contour_thickness(const cv::Mat& image) { return std::max(1, std::max(image.rows, image.cols) / 256); }

}  // namespace detail

/// A picture of masks on their image: tinted where a mask is 1, with a crisp contour, each mask in a colour of its own.
/// image CV_32FC1, or CV_32FC3 (RGB), in [0,1]; masks CV_8UC1 in {0,1} of the image's size -> CV_8UC3, BGR.
cv::Mat overlay_classes(const cv::Mat& image, const std::vector<cv::Mat>& masks);

/// … of one mask; a `truth` mask adds its contour in another colour.
cv::Mat overlay(const cv::Mat& image, const cv::Mat& mask, const cv::Mat& truth = {});

/// Pictures (CV_8UC1 or CV_8UC3) side by side, `columns` in a row, in cells of the largest one's size with a black
/// margin between them, each centred in its cell -> CV_8UC3, BGR.
cv::Mat contact_sheet(const std::vector<cv::Mat>& pictures, int columns);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/write_image.hpp>
#endif
