#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>

namespace segx {

namespace detail {

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file);

/// The stored pixels: 8 or 16 bits, 1 or 3 (BGR) channels, without alpha; turned upright as EXIF says.
cv::Mat decode(const std::vector<std::uint8_t>& bytes, const std::filesystem::path& file);

inline cv::Mat decode_file(const std::filesystem::path& file) { return decode(read_bytes(file), file); }

/// What decode() gave as gray (channels = 1) or RGB (3), by OpenCV's weights.
cv::Mat with_channels(cv::Mat stored, int channels);

}  // namespace detail

/// Stored pixels of an image file (PNG, JPEG, whatever OpenCV decodes), 8 or 16 bits, as gray (channels = 1) or RGB
/// (3). Colour becomes gray by OpenCV's weights (see gray_of), gray becomes three equal channels, alpha is dropped.
/// A picture that was taken with a turned camera is upright, as viewers show it, by its EXIF data. Throws segx::error
/// with the file's name if it is missing, empty, broken or cut off.
cv::Mat read_pixels(const std::filesystem::path& file, int channels);

/// Pixels of 8 or 16 bits divided by 255 or 65535: CV_32F in [0,1] with as many channels.
cv::Mat to_unit(const cv::Mat& pixels);

/// Reads an image as gray, CV_32FC1 in [0,1]; see read_pixels.
inline cv::Mat read_gray(const std::filesystem::path& file) { return to_unit(read_pixels(file, 1)); }

/// Reads an image as colour, CV_32FC3 in the order red, green, blue, in [0,1]; see read_pixels.
inline cv::Mat read_rgb(const std::filesystem::path& file) { return to_unit(read_pixels(file, 3)); }

namespace detail {

/// The distinct values of a CV_8UC1 or CV_16UC1 image, ascending.
std::vector<int> distinct_values(const cv::Mat& image);

/// "0, 17, 64, 255", or the first few "0, 3, 4, 5, 6, 7, … (42 values)".
std::string first_few(const std::vector<int>& values);

/// The gray that a mask's equal channels hold.
cv::Mat only_channel(const cv::Mat& stored, const std::filesystem::path& file);

}  // namespace detail

/// Reads a mask as CV_8UC1 in {0,1}. Without a threshold the stored values must be 0 and 1, or 0 and 255, or, with 16
/// bits, 0 and 65535 (or only one of the two); with a threshold, in stored units, pixels of at least that value are 1.
/// Colour is accepted where all channels are equal, alpha dropped. Throws segx::error with the file's name and the
/// values found; also where a threshold would empty a mask of zeros and ones, or is beyond 8 bits.
cv::Mat read_mask(const std::filesystem::path& file, std::optional<int> threshold = std::nullopt);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/read_image.hpp>
#endif
