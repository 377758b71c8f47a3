#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/random.hpp>
#include <segx/metrics/percentile.hpp>

namespace segx {

/// From `low` to `high`, of a number or a length.
template <class Value>
struct interval {
  Value low{};
  Value high{};

  friend bool operator==(const interval&, const interval&) = default;
};

struct bootstrap_options {
  int resamples = 2000;
  double confidence = 0.95;  ///< in (0,1)
  std::uint64_t seed = 1;
};

/// The confidence interval of a statistic over images, by the percentiles of its values for sets of images that are
/// drawn with replacement from the given ones, as many as there are. The same seed gives the same interval on every
/// machine.
///
/// `statistic(std::span<const Image>)` gives a number or a length. A few images, or images of few patients, make
/// intervals too narrow.
/// Source: Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
template <class Image, class Statistic>
auto bootstrap_interval(std::span<const Image> images, Statistic statistic, bootstrap_options options = {}) {
  if (images.empty()) { fail("bootstrap: there is no image; give at least one, and better twenty"); }
  if (options.resamples < 1 || !(options.confidence > 0 && options.confidence < 1)) {
    fail("bootstrap: give at least one resample, and a confidence between 0 and 1, such as 0.95");
  }
  using value = decltype(statistic(images));
  random_generator draw{options.seed};
  std::vector<Image> sample(images.begin(), images.end());
  std::vector<value> values;
  for (int i = 0; i < options.resamples; ++i) {
    for (Image& image : sample) { image = images[draw.below(images.size())]; }
    values.push_back(statistic(std::span<const Image>{sample}));
  }
  std::sort(values.begin(), values.end());
  const double outside = (1 - options.confidence) / 2;
  const std::span<const value> sorted{values};
  return interval<value>{detail::percentile_of_sorted(sorted, outside),
                         detail::percentile_of_sorted(sorted, 1 - outside)};
}

/// The confidence interval of the mean of the images' values, numbers or lengths.
template <class Value>
interval<Value> bootstrap_mean(std::span<const Value> images, bootstrap_options options = {}) {
  const auto mean = [](std::span<const Value> sample) {
    Value sum{};
    for (const Value& value : sample) { sum += value; }
    return sum / static_cast<double>(sample.size());
  };
  return bootstrap_interval(images, mean, options);
}

}  // namespace segx
