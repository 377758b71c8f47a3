#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string_view>
#include <tuple>

#include <segx/core/random.hpp>
#include <segx/data/augment/augmentation.hpp>
#include <segx/data/augment/draw.hpp>

// Augmentations that move image and mask. Extents are parts of the picture's own, so that they mean the same at any
// size.

namespace segx {

namespace detail {

/// m about the picture's middle.
inline cv::Matx33d about_middle(const cv::Matx33d& m, cv::Size size) {
  const double x = 0.5 * (size.width - 1), y = 0.5 * (size.height - 1);
  return cv::Matx33d(1, 0, x, 0, 1, y, 0, 0, 1) * m * cv::Matx33d(1, 0, -x, 0, 1, -y, 0, 0, 1);
}

inline cv::Matx33d translation(double x, double y) { return {1, 0, x, 0, 1, y, 0, 0, 1}; }

/// Turns the picture counter-clockwise, as one sees it.
inline cv::Matx33d rotation(double degrees) {
  const double angle = degrees * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  return {c, s, 0, -s, c, 0, 0, 0, 1};
}

}  // namespace detail

/// Mirrors left and right with a probability. In a chest X-ray this puts the heart on the other side: right for lungs,
/// wrong for anything that tells left from right.
struct horizontal_flip {
  double probability = 0.5;

  static constexpr std::string_view name = "flip";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"probability", &horizontal_flip::probability, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    if (random.uniform() < probability) x.move({-1, 0, x.size().width - 1.0, 0, 1, 0, 0, 0, 1}, border::reflect);
    return x;
  }
};

/// Mirrors top and bottom with a probability.
struct vertical_flip {
  double probability = 0.5;

  static constexpr std::string_view name = "vertical_flip";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"probability", &vertical_flip::probability, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    if (random.uniform() < probability) x.move({1, 0, 0, 0, -1, x.size().height - 1.0, 0, 0, 1}, border::reflect);
    return x;
  }
};

/// Turns the picture about its middle by up to ±degrees.
struct rotate {
  double degrees = 10;
  border beyond = border::reflect;

  static constexpr std::string_view name = "rotate";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"degrees", &rotate::degrees, 0, 180},
                      augmentation_setting{"border", &rotate::beyond}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const cv::Matx33d turn = detail::rotation(draw_between(random, -degrees, degrees));
    x.move(detail::about_middle(turn, x.size()), beyond);
    return x;
  }
};

/// Enlarges (factors above 1) or shrinks what the picture shows, about its middle; its size stays.
struct scale {
  double low = 0.9, high = 1.1;
  border beyond = border::reflect;

  static constexpr std::string_view name = "scale";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"low", &scale::low, 0.1, 10},
                      augmentation_setting{"high", &scale::high, 0.1, 10},
                      augmentation_setting{"border", &scale::beyond}};
  }
  [[nodiscard]] const char* refuses() const { return low <= high ? nullptr : "low must not exceed high"; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const double factor = draw_factor(random, low, high);
    x.move(detail::about_middle({factor, 0, 0, 0, factor, 0, 0, 0, 1}, x.size()), beyond);
    return x;
  }
};

/// Moves the picture by up to ±part of its width and of its height.
struct shift {
  double part = 0.05;
  border beyond = border::reflect;

  static constexpr std::string_view name = "shift";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"part", &shift::part, 0, 1}, augmentation_setting{"border", &shift::beyond}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const double to_right = draw_between(random, -part, part) * x.size().width;
    const double down = draw_between(random, -part, part) * x.size().height;
    x.move(detail::translation(to_right, down), beyond);
    return x;
  }
};

/// All of rotate, scale and shift at once, and a shear: rows slide along each other by up to ±shear degrees.
struct affine {
  double degrees = 10;
  double low = 0.9, high = 1.1;
  double part = 0.05;
  double shear = 0;
  border beyond = border::reflect;

  static constexpr std::string_view name = "affine";
  static constexpr auto settings() {
    return std::tuple{
        augmentation_setting{"degrees", &affine::degrees, 0, 180}, augmentation_setting{"low", &affine::low, 0.1, 10},
        augmentation_setting{"high", &affine::high, 0.1, 10},      augmentation_setting{"part", &affine::part, 0, 1},
        augmentation_setting{"shear", &affine::shear, 0, 45},      augmentation_setting{"border", &affine::beyond}};
  }
  [[nodiscard]] const char* refuses() const { return low <= high ? nullptr : "low must not exceed high"; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const double slide = std::tan(draw_between(random, -shear, shear) * std::numbers::pi / 180);
    x.move(detail::about_middle({1, slide, 0, 0, 1, 0, 0, 0, 1}, x.size()), beyond);
    return shift{part, beyond}(scale{low, high, beyond}(rotate{degrees, beyond}(std::move(x), random), random), random);
  }
};

/// Moves each corner of the picture by up to ±part of its width and height, as if seen from another side.
struct perspective {
  double part = 0.05;
  border beyond = border::reflect;

  static constexpr std::string_view name = "perspective";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"part", &perspective::part, 0, 0.24},
                      augmentation_setting{"border", &perspective::beyond}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const auto right = static_cast<float>(x.size().width - 1), bottom = static_cast<float>(x.size().height - 1);
    const std::array<cv::Point2f, 4> from{{{0, 0}, {right, 0}, {right, bottom}, {0, bottom}}};
    std::array<cv::Point2f, 4> to = from;
    for (cv::Point2f& corner : to) {
      corner.x += static_cast<float>(draw_between(random, -part, part)) * right;
      corner.y += static_cast<float>(draw_between(random, -part, part)) * bottom;
    }
    if (right > 0 && bottom > 0) x.move(cv::Matx33d(cv::getPerspectiveTransform(from.data(), to.data())), beyond);
    return x;
  }
};

/// Deforms the picture smoothly: displacements at the nodes of a grid of about cells × cells, normal with a deviation
/// of `strength` times the shorter side, and between the nodes by bicubic interpolation.
///
/// Source: Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015, section 3.1 (a grid of 3 × 3, 10 pixels of 512), after
/// Simard, Steinkraus & Platt, ICDAR 2003.
struct elastic {
  double strength = 0.02;
  int cells = 3;
  border beyond = border::reflect;

  static constexpr std::string_view name = "elastic";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"strength", &elastic::strength, 0, 0.2},
                      augmentation_setting{"cells", &elastic::cells, 2, 32},
                      augmentation_setting{"border", &elastic::beyond}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const cv::Size size = x.size();
    const auto deviation = static_cast<float>(strength * std::min(size.width, size.height));
    cv::Mat nodes(cells, cells, CV_32FC2), field;
    for (int i = 0; i < cells; ++i)
      for (int j = 0; j < cells; ++j) {
        auto& node = nodes.at<cv::Vec2f>(i, j);
        node[0] = deviation * draw_normal(random);
        node[1] = deviation * draw_normal(random);
      }
    cv::resize(nodes, field, size, 0, 0, cv::INTER_CUBIC);
    x.displace(field, beyond);
    return x;
  }
};

/// Makes room on all sides where the picture is smaller than height × width.
struct pad_if_smaller {
  int height = 256, width = 256;
  border beyond = border::black;

  static constexpr std::string_view name = "pad";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"height", &pad_if_smaller::height, 1, 65536},
                      augmentation_setting{"width", &pad_if_smaller::width, 1, 65536},
                      augmentation_setting{"border", &pad_if_smaller::beyond}};
  }
  lazy_warp operator()(lazy_warp x, random_generator&) const {
    const cv::Size from = x.size(), to(std::max(from.width, width), std::max(from.height, height));
    if (to == from) return x;
    const int left = (to.width - from.width) / 2, top = (to.height - from.height) / 2;
    x.move(detail::translation(left, top), to, beyond);
    return x;
  }
};

namespace detail {

inline cv::Size window_size(int height, int width, cv::Size picture) {
  return {std::min(width, picture.width), std::min(height, picture.height)};
}

inline cv::Point draw_window(cv::Size window, cv::Size picture, random_generator& random) {
  const int left = draw_up_to(random, picture.width - window.width);
  return {left, draw_up_to(random, picture.height - window.height)};
}

/// A pixel whose label is not 0, each equally likely; there are `count` of them, at least one.
inline cv::Point draw_foreground(const cv::Mat& mask, int count, random_generator& random) {
  int left = draw_up_to(random, count - 1);
  for (int i = 0;; ++i) {
    const int here = cv::countNonZero(mask.row(i));
    if (left >= here) {
      left -= here;
      continue;
    }
    for (int j = 0;; ++j)
      if (mask.at<std::uint8_t>(i, j) != 0 && left-- == 0) return {j, i};
  }
}

/// Where a window no larger than the mask begins: at random, but with a probability so that a pixel whose label is not
/// 0, each equally likely, is somewhere in it.
inline cv::Point draw_foreground_window(cv::Size window, const cv::Mat& mask, double probability,
                                        random_generator& random) {
  const int count = random.uniform() < probability ? cv::countNonZero(mask) : 0;
  if (count == 0) return draw_window(window, mask.size(), random);
  const cv::Point inside = draw_foreground(mask, count, random);
  const auto begin = [&](int pixel, int extent, int whole) {
    const int first = std::max(0, pixel - extent + 1), last = std::min(pixel, whole - extent);
    return first + draw_up_to(random, last - first);
  };
  const int left = begin(inside.x, window.width, mask.cols);
  return {left, begin(inside.y, window.height, mask.rows)};
}

inline lazy_warp window_of(lazy_warp x, cv::Point begin, cv::Size size) {
  x.move(translation(-begin.x, -begin.y), size, border::reflect);
  return x;
}

}  // namespace detail

/// A window of height × width at a random place. Of a smaller picture all that there is: put pad_if_smaller before it.
struct random_crop {
  int height = 256, width = 256;

  static constexpr std::string_view name = "crop";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"height", &random_crop::height, 1, 65536},
                      augmentation_setting{"width", &random_crop::width, 1, 65536}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const cv::Size to = detail::window_size(height, width, x.size());
    const cv::Point begin = detail::draw_window(to, x.size(), random);
    return detail::window_of(std::move(x), begin, to);
  }
};

/// The same, but with a probability the window contains foreground: a pixel whose label is not 0, each equally likely,
/// is somewhere in it. For objects that are rare in large images.
struct foreground_crop {
  int height = 256, width = 256;
  double probability = 0.5;

  static constexpr std::string_view name = "foreground_crop";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"height", &foreground_crop::height, 1, 65536},
                      augmentation_setting{"width", &foreground_crop::width, 1, 65536},
                      augmentation_setting{"probability", &foreground_crop::probability, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    const cv::Size to = detail::window_size(height, width, x.size());
    const cv::Point begin = detail::draw_foreground_window(to, x.mask(), probability, random);
    return detail::window_of(std::move(x), begin, to);
  }
};

}  // namespace segx
