#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <segx/core/error.hpp>
#include <segx/metrics/mask_view.hpp>
#include <segx/metrics/threshold.hpp>

namespace segx {

/// How many pixels a prediction got right and wrong; every score of a segmentation follows from these four counts.
///
/// All scores lie in [0,1] and are never NaN. A score whose denominator is 0 compares sets of which one is empty: it is
/// 1 where truth and prediction are both empty (nothing was to be found, nothing was claimed), and 0 where one of them
/// is.
struct confusion {
  std::int64_t true_positive = 0;   ///< foreground in both
  std::int64_t false_positive = 0;  ///< foreground in the prediction only
  std::int64_t false_negative = 0;  ///< foreground in the truth only
  std::int64_t true_negative = 0;   ///< background in both

  constexpr std::int64_t pixels() const { return true_positive + false_positive + false_negative + true_negative; }

  /// Pixels that are right / all pixels; 1 for no pixels.
  constexpr double accuracy() const { return ratio(true_positive + true_negative, pixels(), true); }

  /// Intersection over union, the Jaccard index: TP / (TP + FP + FN).
  constexpr double iou() const { return ratio(true_positive, true_positive + false_positive + false_negative, true); }

  /// 2 TP / (2 TP + FP + FN) = 2 iou / (1 + iou).
  constexpr double dice() const {
    return ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative, true);
  }

  /// The harmonic mean of precision and recall: the Dice score under its other name.
  constexpr double f1() const { return dice(); }

  /// How much of the prediction is right: TP / (TP + FP).
  constexpr double precision() const {
    return ratio(true_positive, true_positive + false_positive, false_negative == 0);
  }

  /// How much of the truth is found: TP / (TP + FN). Also called sensitivity.
  constexpr double recall() const { return ratio(true_positive, true_positive + false_negative, false_positive == 0); }

  /// How much of the background is left alone: TN / (TN + FP). The recall of the background.
  constexpr double specificity() const {
    return ratio(true_negative, true_negative + false_positive, false_negative == 0);
  }

  constexpr confusion& operator+=(const confusion& other) {
    true_positive += other.true_positive;
    false_positive += other.false_positive;
    false_negative += other.false_negative;
    true_negative += other.true_negative;
    return *this;
  }
  friend constexpr confusion operator+(confusion a, const confusion& b) { return a += b; }
  friend constexpr bool operator==(const confusion&, const confusion&) = default;

 private:
  static constexpr double ratio(std::int64_t part, std::int64_t whole, bool both_empty) {
    if (whole == 0) { return both_empty ? 1.0 : 0.0; }
    return static_cast<double>(part) / static_cast<double>(whole);
  }
};

namespace detail {

/// Counts where predicted(i) against where truth(i), of `size` pixels.
template <class Predicted, class Truth>
confusion count_where(std::size_t size, Predicted predicted, Truth truth) {
  std::int64_t in_both = 0;
  std::int64_t in_predicted = 0;
  std::int64_t in_truth = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const int p = predicted(i) ? 1 : 0;
    const int t = truth(i) ? 1 : 0;
    in_both += p & t;
    in_predicted += p;
    in_truth += t;
  }
  return {.true_positive = in_both,
          .false_positive = in_predicted - in_both,
          .false_negative = in_truth - in_both,
          .true_negative = static_cast<std::int64_t>(size) - in_predicted - in_truth + in_both};
}

/// Counts where values > limit; the truth is foreground above ½.
inline confusion count_above(std::span<const float> values, float limit, std::span<const float> truth) {
  if (values.size() != truth.size()) {
    fail({"metrics: the prediction has ", values.size(), " pixels, but the truth has ", truth.size(),
          "; compare masks of equal size"});
  }
  return count_where(
      truth.size(), [=](std::size_t i) { return values[i] > limit; }, [=](std::size_t i) { return truth[i] > 0.5F; });
}

}  // namespace detail

/// From logits: foreground where sigmoid(logit) > threshold ∈ (0,1), compared as logit > log(threshold / (1 −
/// threshold)). A NaN is background. The target is foreground above ½; an xt::xtensor converts to the spans.
inline confusion count_from_logits(std::span<const float> logits, std::span<const float> target,
                                   float threshold = 0.5F) {
  return detail::count_above(logits, detail::logit_of(threshold), target);
}

/// From probabilities in [0,1]: foreground where probability > threshold ∈ (0,1). A NaN is background.
inline confusion count_from_probabilities(std::span<const float> probabilities, std::span<const float> target,
                                          float threshold = 0.5F) {
  detail::expect_threshold(threshold);
  return detail::count_above(probabilities, threshold, target);
}

/// From masks of equal size.
inline confusion count_from_masks(mask_view predicted, mask_view truth) {
  detail::expect_same_size(predicted, truth);
  return detail::count_where(
      truth.size(), [=](std::size_t i) { return predicted[i]; }, [=](std::size_t i) { return truth[i]; });
}

}  // namespace segx
