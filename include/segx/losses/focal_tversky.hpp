#pragma once

#include <segx/losses/options.hpp>
#include <segx/losses/overlap.hpp>

namespace segx {

/// Focal Tversky loss: L = T^γ, the mean over sets, with T the Tversky loss of a set (tversky.hpp). γ < 1 keeps the
/// gradient of sets that are nearly right, and of small organs, large.
///
/// Source: Abraham & Khan, arXiv:1810.07842; their exponent is 1/γ with γ = 4/3, and their α weighs what is missed.
template <probability P = probability::sigmoid>
struct focal_tversky_loss {
  static constexpr std::string_view name = P == probability::sigmoid ? "focal_tversky" : "softmax_focal_tversky";

  double alpha = 0.3;  ///< of false positives
  double beta = 0.7;   ///< of false negatives
  double gamma = 0.75;
  double smooth = detail::paper_smooth;
  segx::over over = segx::over::batch;
  bool background = true;  ///< false leaves channel 0 out

  static void options(auto& loss, auto&& option) {
    option("alpha", loss.alpha, detail::range::not_negative);
    option("beta", loss.beta, detail::range::not_negative);
    option("gamma", loss.gamma, detail::range::positive);
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
      return detail::raised(detail::one_minus_tversky(sums, alpha, beta, smooth), gamma);
    });
  }
};

inline constexpr focal_tversky_loss<> focal_tversky{};
inline constexpr focal_tversky_loss<probability::softmax> softmax_focal_tversky{};

static_assert(loss<focal_tversky_loss<>>);

}  // namespace segx
