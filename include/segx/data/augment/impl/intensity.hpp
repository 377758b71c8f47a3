#pragma once

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include <segx/core/impl.hpp>
#include <segx/data/augment/draw.hpp>
#include <segx/data/augment/intensity.hpp>

namespace segx {

namespace detail {

inline std::span<float> values_of(cv::Mat& image) {
  return {image.ptr<float>(), image.total() * static_cast<std::size_t>(image.channels())};
}

inline float in_unit(float v) { return std::min(std::max(v, 0.0F), 1.0F); }

/// factor·v + offset, clamped.
inline void scale_values(lazy_warp& x, double factor, double offset) {
  const auto a = static_cast<float>(factor), b = static_cast<float>(offset);
  for (float& v : values_of(x.image())) { v = in_unit(a * v + b); }
}

inline cv::Mat blurred(const cv::Mat& image, double sigma) {
  cv::Mat soft;
  cv::GaussianBlur(image, soft, {}, sigma, sigma, cv::BORDER_REFLECT_101 | cv::BORDER_ISOLATED);
  return soft;
}

}  // namespace detail

SEGX_IMPL lazy_warp brightness::operator()(lazy_warp x, random_generator& random) const {
  detail::scale_values(x, 1, draw_between(random, -amount, amount));
  return x;
}

SEGX_IMPL lazy_warp contrast::operator()(lazy_warp x, random_generator& random) const {
  const double factor = draw_between(random, 1 - amount, 1 + amount);
  const cv::Mat& image = x.seen_image();
  const cv::Scalar means = cv::mean(image);
  const double mean = image.channels() == 1 ? means[0] : (means[0] + means[1] + means[2]) / 3;
  detail::scale_values(x, factor, (1 - factor) * mean);
  return x;
}

SEGX_IMPL lazy_warp gamma_curve::operator()(lazy_warp x, random_generator& random) const {
  const double power = draw_factor(random, low, high);
  cv::Mat& image = x.image();
  cv::pow(image, power, image);
  return x;
}

SEGX_IMPL lazy_warp clahe::operator()(lazy_warp x, random_generator& random) const {
  const auto equaliser = cv::createCLAHE(draw_between(random, 1, limit), {tiles, tiles});
  const auto equalised = [&](const cv::Mat& gray) {
    cv::Mat bytes, result;
    gray.convertTo(bytes, CV_8U, 255);
    equaliser->apply(bytes, bytes);
    bytes.convertTo(result, CV_32F, 1 / 255.0);
    return result;
  };
  const cv::Mat& image = x.seen_image();
  if (image.channels() == 1) {
    x.set_image(equalised(image));
    return x;
  }
  cv::Mat lightness_and_colour;
  cv::cvtColor(image, lightness_and_colour, cv::COLOR_RGB2YCrCb);
  std::vector<cv::Mat> planes;
  cv::split(lightness_and_colour, planes);
  planes[0] = equalised(planes[0]);
  cv::merge(planes, lightness_and_colour);
  cv::Mat colour;
  cv::cvtColor(lightness_and_colour, colour, cv::COLOR_YCrCb2RGB);
  x.set_image(colour);
  detail::scale_values(x, 1, 0);
  return x;
}

SEGX_IMPL lazy_warp gaussian_noise::operator()(lazy_warp x, random_generator& random) const {
  const auto sigma = static_cast<float>(draw_between(random, 0, deviation));
  for (float& v : detail::values_of(x.image())) { v = detail::in_unit(v + sigma * draw_normal(random)); }
  return x;
}

SEGX_IMPL lazy_warp blur::operator()(lazy_warp x, random_generator& random) const {
  const double sigma = draw_between(random, 0, pixels);
  if (sigma > 0.1) {
    x.set_image(detail::blurred(x.seen_image(), sigma));  // less does not reach the next pixel
  }
  return x;
}

SEGX_IMPL lazy_warp sharpen::operator()(lazy_warp x, random_generator& random) const {
  const auto a = static_cast<float>(draw_between(random, 0, amount));
  cv::Mat& image = x.image();
  cv::Mat soft = detail::blurred(image, 1);
  const std::span<const float> low = detail::values_of(soft);
  std::span<float> values = detail::values_of(image);
  for (std::size_t k = 0; k < values.size(); ++k) { values[k] = detail::in_unit(values[k] + a * (values[k] - low[k])); }
  return x;
}

SEGX_IMPL lazy_warp cut_out::operator()(lazy_warp x, random_generator& random) const {
  cv::Mat& image = x.image();
  const cv::Scalar mean = cv::mean(image);
  for (int k = 1 + draw_up_to(random, count - 1); k > 0; --k) {
    const int height = cvRound(draw_between(random, 0, part) * image.rows);
    const int width = cvRound(draw_between(random, 0, part) * image.cols);
    const int left = draw_up_to(random, image.cols - width), top = draw_up_to(random, image.rows - height);
    image(cv::Rect(left, top, width, height)).setTo(mean);
  }
  return x;
}

}  // namespace segx
