#pragma once

#include <segx/losses/options.hpp>
#include <segx/losses/overlap.hpp>

namespace segx {

/// Soft Dice loss, with probabilities p in place of a mask and t the target:
///
///   L = 1 − (2 Σpt + s) / (Σp + Σt + s)
///
/// `smooth` s > 0 makes the loss 0 where target and probability are both empty. `dice_loss<>{.smooth = 1}` sets it.
/// Source: Milletari et al., "V-Net", arXiv:1606.04797, there with squares in the denominator.
template <probability P = probability::sigmoid>
struct dice_loss {
  static constexpr std::string_view name = P == probability::sigmoid ? "dice" : "softmax_dice";

  double smooth = detail::paper_smooth;
  segx::over over = segx::over::batch;
  bool background = true;  ///< false leaves channel 0 out

  static void options(auto& loss, auto&& option) {
    option("smooth", loss.smooth, detail::range::positive);
    option("over", loss.over);
    option("background", loss.background);
  }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = P}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    return detail::overlap_loss<P>(name, call, over, background, [this](detail::overlap_sums sums) {
      return detail::one_minus_tversky(sums, 0.5, 0.5, smooth / 2);
    });
  }
};

inline constexpr dice_loss<> dice{};
inline constexpr dice_loss<> dice_per_image{.over = over::image};
inline constexpr dice_loss<probability::softmax> softmax_dice{};

static_assert(loss<dice_loss<>>);

}  // namespace segx
