#pragma once

#include <segx/losses/over.hpp>
#include <segx/losses/probability.hpp>
#include <segx/losses/tversky_index.hpp>

/// Losses of sums: Dice, Jaccard and Tversky compare a set of pixels through Σp, Σt and Σpt alone.
namespace segx::detail {

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
