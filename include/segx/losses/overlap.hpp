#pragma once

#include <segx/losses/over.hpp>
#include <segx/losses/probability.hpp>

/// Losses of sums: Dice, Jaccard and Tversky compare a set of pixels through Σp, Σt and Σpt alone.
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

template <class T>
void add_to(overlap_sums& sums, const T* p, const T* t, std::size_t count) {
  overlap_sums s = sums;
  for (std::size_t j = 0; j < count; ++j) {
    const double probability = p[j];
    const double target = t[j];
    s.p += probability;
    s.t += target;
    s.pt += probability * target;
  }
  sums = s;
}

/// The mean of `value_of(sums)` over the sets, and its gradient if the call wants one.
template <probability P, class T, class F>
double overlap_loss(std::string_view loss, const loss_call<T>& call, over what, bool background, F value_of) {
  const plane_sets sets{loss, call.images(), call.channels(), what, background};
  std::vector<overlap_sums> sums(sets.count());
  const T* target = call.target.data();
  for_each_probability<P>(loss, call,
                          [&](std::size_t n, std::size_t k, std::size_t first, std::size_t count, const T* p) {
                            if (sets.has(k)) { add_to(sums[sets.of(n, k)], p, target + call.at(n, k) + first, count); }
                          });

  std::vector<overlap_value> values;
  double sum = 0;
  for (const overlap_sums& s : sums) {
    values.push_back(value_of(s));
    sum += values.back().loss;
  }
  const auto count_of_sets = static_cast<double>(values.size());
  if (call.dlogits) {
    const double scale = call.weight / count_of_sets;
    add_gradient<P>(loss, call, [&](std::size_t n, std::size_t k, std::size_t first, std::size_t count, T* g) {
      const overlap_value value = sets.has(k) ? values[sets.of(n, k)] : overlap_value{};
      const auto dp = static_cast<T>(scale * value.dp);
      const auto dpt = static_cast<T>(scale * value.dpt);
      const T* t = target + call.at(n, k) + first;
      for (std::size_t j = 0; j < count; ++j) { g[j] = dp + dpt * t[j]; }
    });
  }
  return sum / count_of_sets;
}

}  // namespace segx::detail
