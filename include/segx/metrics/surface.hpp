#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/geometry/distance_transform.hpp>
#include <segx/geometry/length.hpp>
#include <segx/metrics/mask_view.hpp>
#include <segx/metrics/percentile.hpp>

namespace segx {

/// How far the outlines of prediction and truth are apart, in a unit that the type says. An outline is the pixels of a
/// mask with one of their four neighbours outside it, or outside the image; distances are between centres of pixels.
template <class Unit>
struct surface_distance {
  length<Unit> hd95;  ///< the larger of both directions of the 95th percentile of distances to the other outline
  length<Unit> assd;  ///< the mean of the distances from each pixel of both outlines to the other outline

  friend bool operator==(const surface_distance&, const surface_distance&) = default;
};

namespace detail {

inline std::vector<std::uint8_t> outline_of(const mask_view& mask) {
  const auto width = static_cast<std::size_t>(mask.width());
  std::vector<std::uint8_t> outline(mask.size());
  for (std::size_t i = 0; i < outline.size(); ++i) {
    if (!mask[i]) { continue; }
    const std::size_t x = i % width;
    const bool within = i >= width && i + width < mask.size() && x > 0 && x + 1 < width && mask[i - width] &&
                        mask[i + width] && mask[i - 1] && mask[i + 1];
    outline[i] = within ? 0 : 1;
  }
  return outline;
}

/// The distances from the pixels of one outline to another, which is not empty; sorted.
inline std::vector<double> distances_between(std::span<const std::uint8_t> from, std::span<const std::uint8_t> to,
                                             int height, int width, double row_step, double column_step) {
  const std::vector<double> squared = squared_distances(to, height, width, row_step, column_step);
  std::vector<double> distances;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i]) { distances.push_back(std::sqrt(squared[i])); }
  }
  std::sort(distances.begin(), distances.end());
  return distances;
}

template <class Unit>
std::optional<surface_distance<Unit>> surface_distance_of(const mask_view& predicted, const mask_view& truth,
                                                          double row_step, double column_step) {
  expect_same_size(predicted, truth);
  const std::vector<std::uint8_t> a = outline_of(predicted);
  const std::vector<std::uint8_t> b = outline_of(truth);
  const bool a_is_empty = std::count(a.begin(), a.end(), 1) == 0;
  const bool b_is_empty = std::count(b.begin(), b.end(), 1) == 0;
  if (a_is_empty && b_is_empty) { return surface_distance<Unit>{}; }
  if (a_is_empty || b_is_empty) { return std::nullopt; }
  const int height = truth.height();
  const int width = truth.width();
  const std::vector<double> to_truth = distances_between(a, b, height, width, row_step, column_step);
  const std::vector<double> to_predicted = distances_between(b, a, height, width, row_step, column_step);
  double sum = 0;
  for (const double d : to_truth) { sum += d; }
  for (const double d : to_predicted) { sum += d; }
  const double hd95 =
      std::max(percentile_of_sorted(std::span{to_truth}, 0.95), percentile_of_sorted(std::span{to_predicted}, 0.95));
  return surface_distance<Unit>{{hd95}, {sum / static_cast<double>(to_truth.size() + to_predicted.size())}};
}

}  // namespace detail

/// In pixels, for images whose spacing is unknown. 0 where both masks are empty; nothing where one of them is, as no
/// distance leads to an empty outline.
/// Sources: Huttenlocher et al., IEEE TPAMI 15(9), 1993; Heimann et al., IEEE TMI 28(8), 2009.
inline std::optional<surface_distance<pixel>> surface_distances(mask_view predicted, mask_view truth) {
  return detail::surface_distance_of<pixel>(predicted, truth, 1, 1);
}

/// In millimetres, for images with a spacing.
inline std::optional<surface_distance<millimetre>> surface_distances(mask_view predicted, mask_view truth, spacing s) {
  const auto is_length = [](millimetres m) { return std::isfinite(m.value) && m.value > 0; };
  if (!is_length(s.row) || !is_length(s.column)) {
    fail({"metrics: the spacing of pixels is ", s.row.value, "×", s.column.value,
          " mm; give two lengths above 0, or none to measure in pixels"});
  }
  return detail::surface_distance_of<millimetre>(predicted, truth, s.row.value, s.column.value);
}

/// The distances of a set of images.
template <class Unit>
struct surface_summary {
  int measured = 0;                              ///< images with a distance
  int unmeasured = 0;                            ///< images in which just one mask is empty: they are in no mean
  std::optional<surface_distance<Unit>> mean{};  ///< over the images with a distance; nothing if there is none
};

template <class Unit>
surface_summary<Unit> summarize(std::span<const std::optional<surface_distance<Unit>>> images) {
  surface_summary<Unit> summary;
  surface_distance<Unit> sum;
  for (const std::optional<surface_distance<Unit>>& image : images) {
    ++(image ? summary.measured : summary.unmeasured);
    if (!image) { continue; }
    sum.hd95 += image->hd95;
    sum.assd += image->assd;
  }
  if (summary.measured > 0) {
    const double count = summary.measured;
    summary.mean = surface_distance<Unit>{sum.hd95 / count, sum.assd / count};
  }
  return summary;
}

}  // namespace segx
