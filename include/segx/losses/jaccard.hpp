#pragma once

#include <segx/losses/overlap.hpp>

namespace segx {

/// Soft Jaccard loss, 1 − intersection over union with p = sigmoid(logits) in place of a mask and t the target:
///
///   L = 1 − (Σpt + s) / U,   U = Σp + Σt − Σpt + s          dL/dp = (Σpt + s) / U² − t (U + Σpt + s) / U²
///
/// `smooth` s > 0 makes the loss 0 where target and probability are both empty. `jaccard_loss<>{.smooth = 1}` sets it.
/// Source: Rahman & Wang, "Optimizing intersection-over-union in deep neural networks for image segmentation", 2016.
template <over Over = over::batch>
struct jaccard_loss {
  static constexpr std::string_view name = Over == over::batch ? "jaccard" : "jaccard_per_image";

  double smooth = detail::paper_smooth;

  std::string text() const { return detail::text_of_overlap(name, smooth); }

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target) const {
    detail::expect_same_shape(name, logits, target);
    return detail::overlap_loss<T>(logits, target, nullptr, 0, Over, [this](auto sums) { return at(sums); });
  }

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target, xt::xtensor<T, 4>& dlogits,
                    double weight = 1) const {
    detail::expect_same_shape(name, logits, target, &dlogits);
    return detail::overlap_loss<T>(logits, target, dlogits.data(), weight, Over,
                                   [this](auto sums) { return at(sums); });
  }

 private:
  constexpr detail::overlap_value at(detail::overlap_sums sums) const {
    const double intersection = sums.pt + smooth;
    const double both = sums.p + sums.t - sums.pt + smooth;
    return {1 - intersection / both, intersection / (both * both), -(both + intersection) / (both * both)};
  }
};

inline constexpr jaccard_loss<> jaccard{};
inline constexpr jaccard_loss<over::image> jaccard_per_image{};

static_assert(loss<jaccard_loss<>>);

}  // namespace segx
