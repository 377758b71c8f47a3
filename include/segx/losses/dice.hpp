#pragma once

#include <segx/losses/overlap.hpp>

namespace segx {

/// Soft Dice loss, with p = sigmoid(logits) in place of a mask and t the target:
///
///   L = 1 − (2 Σpt + s) / D,   D = Σp + Σt + s          dL/dp = (2 Σpt + s) / D² − 2 t / D
///
/// `smooth` s > 0 makes the loss 0 where target and probability are both empty. `dice_loss<>{.smooth = 1}` sets it.
/// Source: Milletari et al., "V-Net", arXiv:1606.04797, there with squares in the denominator.
template <over Over = over::batch>
struct dice_loss {
  static constexpr std::string_view name = Over == over::batch ? "dice" : "dice_per_image";

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
    const double twice = 2 * sums.pt + smooth;
    const double both = sums.p + sums.t + smooth;
    return {1 - twice / both, twice / (both * both), -2 / both};
  }
};

inline constexpr dice_loss<> dice{};
inline constexpr dice_loss<over::image> dice_per_image{};

static_assert(loss<dice_loss<>>);

}  // namespace segx
