#pragma once

#include <segx/losses/options.hpp>
#include <segx/losses/overlap.hpp>

namespace segx {

/// Soft Jaccard loss, 1 − intersection over union with probabilities p in place of a mask and t the target:
///
///   L = 1 − (Σpt + s) / (Σp + Σt − Σpt + s)
///
/// `smooth` s > 0 makes the loss 0 where target and probability are both empty. `jaccard_loss<>{.smooth = 1}` sets it.
/// Source: Rahman & Wang, "Optimizing intersection-over-union in deep neural networks for image segmentation", 2016.
template <probability P = probability::sigmoid>
struct jaccard_loss {
  static constexpr std::string_view name = P == probability::sigmoid ? "jaccard" : "softmax_jaccard";

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
      return detail::one_minus_tversky(sums, 1, 1, smooth);
    });
  }
};

inline constexpr jaccard_loss<> jaccard{};
inline constexpr jaccard_loss<> jaccard_per_image{.over = over::image};
inline constexpr jaccard_loss<probability::softmax> softmax_jaccard{};

static_assert(loss<jaccard_loss<>>);

}  // namespace segx
