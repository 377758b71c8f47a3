#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/image/normalisation.hpp>

namespace segx {

namespace detail {

/// A header on the pixels of plane [n, c]; it shares the tensor's memory.
cv::Mat plane_header(const xt::xtensor<float, 4>& batch, std::size_t n, std::size_t c);

}  // namespace detail

/// Copies an image or a mask (one channel of any depth, values kept: a mask's 1 becomes 1.0) into plane [n, c] of a
/// batch [N,C,H,W] whose H and W are the image's.
void copy_to_plane(const cv::Mat& image, xt::xtensor<float, 4>& batch, std::size_t n, std::size_t c = 0);

/// Writes an image, CV_32F in [0,1] with as many channels as the batch [N,C,H,W], to the planes of image n, normalised.
void copy_to_image(const cv::Mat& image, const normalisation& normalise, xt::xtensor<float, 4>& batch, std::size_t n);

/// A copy of plane [n, c] of a batch [N,C,H,W], CV_32FC1 [H,W].
cv::Mat copy_of_plane(const xt::xtensor<float, 4>& batch, std::size_t n, std::size_t c = 0);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/plane.hpp>
#endif
