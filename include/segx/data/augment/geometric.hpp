#pragma once

#include <opencv2/core.hpp>
#include <string_view>
#include <tuple>

#include <segx/core/random.hpp>
#include <segx/data/augment/augmentation.hpp>

// Augmentations that move image and mask. Extents are parts of the picture's own, so that they mean the same at any
// size.

namespace segx {

namespace detail {

/// m about the picture's middle.
cv::Matx33d about_middle(const cv::Matx33d& m, cv::Size size);

inline cv::Matx33d translation(double x, double y) { return {1, 0, x, 0, 1, y, 0, 0, 1}; }

/// Turns the picture counter-clockwise, as one sees it.
cv::Matx33d rotation(double degrees);

}  // namespace detail

/// Mirrors left and right with a probability. In a chest X-ray this puts the heart on the other side: right for lungs,
/// wrong for anything that tells left from right.
struct horizontal_flip {
  double probability = 0.5;

  static constexpr std::string_view name = "flip";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"probability", &horizontal_flip::probability, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

/// Mirrors top and bottom with a probability.
struct vertical_flip {
  double probability = 0.5;

  static constexpr std::string_view name = "vertical_flip";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"probability", &vertical_flip::probability, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

/// Moves the picture by up to ±part of its width and of its height.
struct shift {
  double part = 0.05;
  border beyond = border::reflect;

  static constexpr std::string_view name = "shift";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"part", &shift::part, 0, 1}, augmentation_setting{"border", &shift::beyond}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator&) const;
};

namespace detail {

cv::Size window_size(int height, int width, cv::Size picture);

/// Where a window no larger than the mask begins: at random, but with a probability so that a pixel whose label is not
/// 0, each equally likely, is somewhere in it.
cv::Point draw_foreground_window(cv::Size window, const cv::Mat& mask, double probability, random_generator& random);

}  // namespace detail

/// A window of height × width at a random place. Of a smaller picture all that there is: put pad_if_smaller before it.
struct random_crop {
  int height = 256, width = 256;

  static constexpr std::string_view name = "crop";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"height", &random_crop::height, 1, 65536},
                      augmentation_setting{"width", &random_crop::width, 1, 65536}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/augment/impl/geometric.hpp>
#endif
