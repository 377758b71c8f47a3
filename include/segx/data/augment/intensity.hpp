#pragma once

#include <opencv2/core.hpp>
#include <span>
#include <string_view>
#include <tuple>

#include <segx/core/random.hpp>
#include <segx/data/augment/augmentation.hpp>

// Augmentations that change an image's values and leave its mask. Values stay in [0,1]; what is said of gray holds for
// each channel of a colour image, with the same draw unless it says otherwise.

namespace segx {

/// Adds up to ±amount.
struct brightness {
  double amount = 0.1;

  static constexpr std::string_view name = "brightness";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"amount", &brightness::amount, 0, 1}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

/// Multiplies the difference to the image's mean by 1 ± amount.
struct contrast {
  double amount = 0.2;

  static constexpr std::string_view name = "contrast";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"amount", &contrast::amount, 0, 1}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

/// Adds to each value, of each channel, normal noise whose deviation lies between 0 and `deviation`.
struct gaussian_noise {
  double deviation = 0.02;

  static constexpr std::string_view name = "noise";
  static constexpr auto settings() {
    return std::tuple{augmentation_setting{"deviation", &gaussian_noise::deviation, 0, 1}};
  }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

/// Blurs by a Gaussian whose sigma lies between 0 and `pixels`.
struct blur {
  double pixels = 1;

  static constexpr std::string_view name = "blur";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"pixels", &blur::pixels, 0, 50}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

/// Adds up to `amount` times what a blur by one pixel takes away.
struct sharpen {
  double amount = 0.5;

  static constexpr std::string_view name = "sharpen";
  static constexpr auto settings() { return std::tuple{augmentation_setting{"amount", &sharpen::amount, 0, 10}}; }
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
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
  lazy_warp operator()(lazy_warp x, random_generator& random) const;
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/augment/impl/intensity.hpp>
#endif
