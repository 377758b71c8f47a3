#pragma once

#include <opencv2/core.hpp>

namespace segx {

/// segx::resize for an OpenCV image, each channel by itself: CV_32FC1 or CV_32FC3 of any size -> the same type
/// [height, width]. The same size gives a copy.
cv::Mat resize_image(const cv::Mat& image, int height, int width);

/// Resizes a mask, CV_8UC1, to [height, width] by exact nearest neighbour: no value appears that was not there.
cv::Mat resize_mask(const cv::Mat& mask, int height, int width);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/resize_image.hpp>
#endif
