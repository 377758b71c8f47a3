#pragma once

#include <algorithm>
#include <cmath>

/// What losses of sums make of them: numbers alone, which a GPU computes by the same lines.
namespace segx::detail {

inline constexpr double paper_smooth = 1e-8;  ///< Belozerov & Sudakov 2022

/// Σp, Σt and Σpt, with p the probability and t the target.
struct overlap_sums {
  double p = 0, t = 0, pt = 0;
};

/// A loss as a function of the sums: its value, and dL/dp of a pixel = dp + dpt · t.
struct overlap_value {
  double loss = 0, dp = 0, dpt = 0;
};

/// 1 − Tversky's index, with false positives Σp(1 − t) and false negatives Σ(1 − p)t weighted by α and β:
///
///   L = 1 − I / D,   I = Σpt + s,   D = Σpt + α (Σp − Σpt) + β (Σt − Σpt) + s
///   dL/dp = α I / D² + t ((1 − α − β) I / D² − 1 / D)
constexpr overlap_value one_minus_tversky(overlap_sums sums, double alpha, double beta, double smooth) {
  const double common = sums.pt + smooth;
  const double all = common + alpha * (sums.p - sums.pt) + beta * (sums.t - sums.pt);
  const double slope = common / (all * all);
  return {1 - common / all, alpha * slope, (1 - alpha - beta) * slope - 1 / all};
}

/// L^γ; dL^γ/dL = γ L^(γ − 1) has no bound at L = 0 for γ < 1: below L = 1e-6 it stays at its value there.
template <class Number>
constexpr overlap_value raised(const overlap_value& value, Number gamma) {
  const double slope = gamma * std::pow(std::max(value.loss, 1e-6), gamma - 1);
  const double least = value.loss < 0 ? 0 : value.loss;  // rounding may leave −1e-16; a NaN stays
  return {std::pow(least, gamma), slope * value.dp, slope * value.dpt};
}

}  // namespace segx::detail
