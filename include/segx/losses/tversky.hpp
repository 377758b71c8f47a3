#pragma once

#include <segx/losses/options.hpp>
#include <segx/losses/overlap.hpp>

namespace segx {

/// Tversky loss: Jaccard's with weights for what is claimed wrongly and for what is missed,
///
///   L = 1 − (Σpt + s) / (Σpt + α Σp(1 − t) + β Σ(1 − p)t + s)
///
/// with probabilities p and target t. α = β = ½ is Dice, α = β = 1 is Jaccard; β > α finds more of small organs.
/// Source: Salehi et al., arXiv:1706.05721, whose α and β these are.
template <probability P = probability::sigmoid>
struct tversky_loss {
  static constexpr std::string_view name = P == probability::sigmoid ? "tversky" : "softmax_tversky";

  double alpha = 0.3;  ///< of false positives
  double beta = 0.7;   ///< of false negatives
  double smooth = detail::paper_smooth;
  segx::over over = segx::over::batch;
  bool background = true;  ///< false leaves channel 0 out

  static void options(auto& loss, auto&& option) {
    option("alpha", loss.alpha, detail::range::not_negative);
    option("beta", loss.beta, detail::range::not_negative);
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
      return detail::one_minus_tversky(sums, alpha, beta, smooth);
    });
  }
};

inline constexpr tversky_loss<> tversky{};
inline constexpr tversky_loss<probability::softmax> softmax_tversky{};

static_assert(loss<tversky_loss<>>);

}  // namespace segx
