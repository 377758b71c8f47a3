#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/metrics/confusion.hpp>
#include <segx/metrics/mask_view.hpp>

namespace segx {

/// The counts of each of K classes in one image, from maps of class indices. Throws where a pixel has an index of K or
/// more, which is no class.
inline std::vector<confusion> count_classes(mask_view predicted, mask_view truth, int classes) {
  for (const mask_view& map : {predicted, truth}) {
    for (const std::uint8_t index : map.pixels()) {
      if (index >= classes) {
        fail({"metrics: a map has the class ", index, ", but there are ", classes,
              " classes, from 0; give the number of classes, background included"});
      }
    }
  }
  std::vector<confusion> counts;
  counts.reserve(static_cast<std::size_t>(classes));
  for (int k = 0; k < classes; ++k) { counts.push_back(count_from_masks(predicted.of_class(k), truth.of_class(k))); }
  return counts;
}

/// The same from maps in which bit k is set where class k is, so that classes may overlap; up to 8.
inline std::vector<confusion> count_overlapping(mask_view predicted, mask_view truth, int classes) {
  if (classes < 1 || classes > 8) {
    fail({"metrics: ", classes, " classes do not fit the bits of a map; give 1 to 8"});
  }
  std::vector<confusion> counts;
  counts.reserve(static_cast<std::size_t>(classes));
  for (int k = 0; k < classes; ++k) { counts.push_back(count_from_masks(predicted.of_bit(k), truth.of_bit(k))); }
  return counts;
}

/// The same of image n of a batch [N,K,H,W] with a plane for each class.
inline std::vector<confusion> count_planes(masks_view predicted, masks_view truth, int n) {
  if (predicted.planes() != truth.planes() || predicted.images() != truth.images()) {
    fail({"metrics: the prediction has ", predicted.images(), " images of ", predicted.planes(),
          " classes, but the truth has ", truth.images(), " of ", truth.planes(), "; give both the same [N,K,H,W]"});
  }
  if (n < 0 || n >= truth.images()) {
    fail({"metrics: the classes are asked for of image ", n, ", but the batch has ", truth.images(), ", from 0"});
  }
  std::vector<confusion> counts;
  counts.reserve(static_cast<std::size_t>(truth.planes()));
  for (int k = 0; k < truth.planes(); ++k) {
    counts.push_back(count_from_masks(predicted.plane(n, k), truth.plane(n, k)));
  }
  return counts;
}

/// Whether class 0 enters a mean over classes.
enum class background { counted, left_out };

/// The mean of a score over classes, each of which weighs the same however few pixels it has:
/// `macro_mean<confusion>(counts, &confusion::dice, background::left_out)`. `score` is a member of `Class` that is a
/// number or gives one.
template <class Class, class Score>
double macro_mean(std::span<const Class> classes, Score score, background with) {
  const std::size_t first = with == background::counted ? 0 : 1;
  if (classes.size() <= first) {
    fail("metrics: a mean over classes needs at least one class beside a background that is left out");
  }
  double sum = 0;
  for (const Class& c : classes.subspan(first)) { sum += std::invoke(score, c); }
  return sum / static_cast<double>(classes.size() - first);
}

}  // namespace segx
