#pragma once

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <segx/core/random.hpp>
#include <segx/data/augment/augmentation.hpp>
#include <segx/data/augment/draw.hpp>

// Augmentations that change an image's values and leave its mask. Values stay in [0,1]; what is said of gray holds for
// each channel of a colour image, with the same draw unless it says otherwise.

namespace segx {

namespace detail {

inline std::span<float> values_of(cv::Mat& image) {
  return {image.ptr<float>(), image.total() * static_cast<std::size_t>(image.channels())};
}

inline float in_unit(float v) { return std::min(std::max(v, 0.0F), 1.0F); }

/// factor·v + offset, clamped.
inline void scale_values(lazy_warp& x, double factor, double offset) {
  const auto a = static_cast<float>(factor), b = static_cast<float>(offset);
  for (float& v : values_of(x.image())) v = in_unit(a * v + b);
}

inline cv::Mat blurred(const cv::Mat& image, double sigma) {
  cv::Mat soft;
  cv::GaussianBlur(image, soft, {}, sigma, sigma, cv::BORDER_REFLECT_101 | cv::BORDER_ISOLATED);
  return soft;
}

}  // namespace detail

/// Adds up to ±amount.
struct brightness {
  double amount = 0.1;

  static constexpr std::string_view name = "brightness";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"amount", &brightness::amount, 0, 1}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    detail::scale_values(x, 1, draw_between(random, -amount, amount));
    return x;
  }
};

/// Multiplies the difference to the image's mean by 1 ± amount.
struct contrast {
  double amount = 0.2;

  static constexpr std::string_view name = "contrast";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"amount", &contrast::amount, 0, 1}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const double factor = draw_between(random, 1 - amount, 1 + amount);
    const cv::Mat& image = x.seen_image();
    const cv::Scalar means = cv::mean(image);
    const double mean = image.channels() == 1 ? means[0] : (means[0] + means[1] + means[2]) / 3;
    detail::scale_values(x, factor, (1 - factor) * mean);
    return x;
  }
};

/// v^g with g between low and high: above 1 darkens.
struct gamma_curve {
  double low = 0.8, high = 1.25;

  static constexpr std::string_view name = "gamma";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"low", &gamma_curve::low, 0.1, 10},
                      augmentation_setting{"high", &gamma_curve::high, 0.1, 10}};
  }
  [[nodiscard]] const char* refuses() const { return low <= high ? nullptr : "low must not exceed high"; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const double power = draw_factor(random, low, high);
    cv::Mat& image = x.image();
    cv::pow(image, power, image);
    return x;
  }
};

/// Equalises the histogram in each of tiles × tiles parts, in 256 steps, with a contrast limit between 1 and `limit`;
/// of colours the lightness alone.
///
/// Source: Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics Gems IV, 1994.
struct clahe {
  double limit = 2;
  int tiles = 8;

  static constexpr std::string_view name = "clahe";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"limit", &clahe::limit, 1, 40},
                      augmentation_setting{"tiles", &clahe::tiles, 1, 64}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
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
};

/// Adds to each value, of each channel, normal noise whose deviation lies between 0 and `deviation`.
struct gaussian_noise {
  double deviation = 0.02;

  static constexpr std::string_view name = "noise";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"deviation", &gaussian_noise::deviation, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const auto sigma = static_cast<float>(draw_between(random, 0, deviation));
    for (float& v : detail::values_of(x.image())) v = detail::in_unit(v + sigma * draw_normal(random));
    return x;
  }
};

/// Blurs by a Gaussian whose sigma lies between 0 and `pixels`.
struct blur {
  double pixels = 1;

  static constexpr std::string_view name = "blur";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"pixels", &blur::pixels, 0, 50}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const double sigma = draw_between(random, 0, pixels);
    if (sigma > 0.1) x.set_image(detail::blurred(x.seen_image(), sigma));  // less does not reach the next pixel
    return x;
  }
};

/// Adds up to `amount` times what a blur by one pixel takes away.
struct sharpen {
  double amount = 0.5;

  static constexpr std::string_view name = "sharpen";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"amount", &sharpen::amount, 0, 10}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const auto a = static_cast<float>(draw_between(random, 0, amount));
    cv::Mat& image = x.image();
    cv::Mat soft = detail::blurred(image, 1);
    const std::span<const float> low = detail::values_of(soft);
    std::span<float> values = detail::values_of(image);
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = detail::in_unit(values[k] + a * (values[k] - low[k]));
    return x;
  }
};

/// Hides up to `count` rectangles, each at most `part` of the picture's height and width, behind the image's mean. The
/// mask stays: what is hidden has to be guessed from what is around it.
///
/// Source: DeVries & Taylor, "Improved regularization of convolutional neural networks with cutout", arXiv:1708.04552.
struct cut_out {
  int count = 1;
  double part = 0.2;

  static constexpr std::string_view name = "cut_out";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"count", &cut_out::count, 1, 1000},
                      augmentation_setting{"part", &cut_out::part, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
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
};

}  // namespace segx
