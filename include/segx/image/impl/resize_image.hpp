#pragma once

#include <cstddef>
#include <opencv2/imgproc.hpp>
#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/image/resample.hpp>
#include <segx/image/resize_image.hpp>

namespace segx {

namespace detail {

inline void require_resizable(const char* who, const cv::Mat& x, bool is_of_type, const char* type_name, int height,
                              int width) {
  if (x.empty() || x.dims != 2 || !is_of_type) {
    fail({who, ": expected an image of type ", type_name, " that is not empty"});
  }
  if (height <= 0 || width <= 0) {
    fail({who, ": cannot resize to ", width, " x ", height, " pixels, both must be positive"});
  }
}

}  // namespace detail

SEGX_IMPL_COLD cv::Mat resize_image(const cv::Mat& image, int height, int width) {
  detail::require_resizable("resize_image", image, image.type() == CV_32FC1 || image.type() == CV_32FC3,
                            "CV_32FC1 or CV_32FC3", height, width);
  std::vector<cv::Mat> channels;
  cv::split(image, channels);
  for (cv::Mat& x : channels) {
    cv::Mat y(height, width, CV_32FC1);
    resize(std::span(x.ptr<float>(), x.total()), x.rows, x.cols, std::span(y.ptr<float>(), y.total()), height, width);
    x = y;
  }
  if (channels.size() == 1) { return channels[0]; }
  cv::Mat merged;
  cv::merge(channels, merged);
  return merged;
}

SEGX_IMPL_COLD cv::Mat resize_mask(const cv::Mat& mask, int height, int width) {
  detail::require_resizable("resize_mask", mask, mask.type() == CV_8UC1, "CV_8UC1", height, width);
  cv::Mat y;
  cv::resize(mask, y, cv::Size(width, height), 0, 0, cv::INTER_NEAREST_EXACT);
  return y;
}

}  // namespace segx
