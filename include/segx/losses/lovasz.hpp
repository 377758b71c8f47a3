#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <segx/core/error.hpp>
#include <segx/losses/options.hpp>
#include <segx/losses/probability.hpp>

namespace segx {

namespace detail {

/// The error of one pixel, and where its gradient belongs.
template <class T>
struct lovasz_error {
  T error;
  std::uint32_t index;
};

/// Sorts from the largest error down, equal ones in the order in which they come; errors are positive. A radix sort of
/// the bits, which order positive numbers as the numbers do: std::sort takes longer than a step of training. `scratch`
/// is memory.
template <class T>
void sort_from_largest(std::vector<lovasz_error<T>>& errors, std::vector<lovasz_error<T>>& scratch) {
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr int digit = 11;  // bits that one pass sorts by
  constexpr std::size_t digits = std::size_t{1} << digit;
  scratch.resize(errors.size());
  for (int shift = 0; shift < static_cast<int>(8 * sizeof(T)); shift += digit) {
    const auto digit_of = [shift](T error) {
      return static_cast<std::size_t>(~std::bit_cast<bits>(error) >> shift) & (digits - 1);
    };
    std::vector<std::size_t> place(digits + 1);
    for (const lovasz_error<T>& e : errors) { ++place[digit_of(e.error) + 1]; }
    for (std::size_t d = 1; d < digits; ++d) { place[d] += place[d - 1]; }
    for (const lovasz_error<T>& e : errors) { scratch[place[digit_of(e.error)]++] = e; }
    errors.swap(scratch);
  }
}

/// The Lovász extension of the Jaccard loss: with errors sorted from the largest down, and Δ(i) the Jaccard loss of a
/// prediction that gets just the first i wrong,
///
///   L = Σ_i error_i (Δ(i) − Δ(i − 1))
///
/// Calls slope(index, dL/derror). `errors` are sorted. `target` is foreground above ½; the set has `foreground` such
/// pixels in all. Pixels without error need not be listed.
template <class T, class F>
double lovasz_extension(const std::vector<lovasz_error<T>>& errors, const T* target, std::size_t foreground, F slope) {
  double loss = 0;
  double before = 0;
  auto intersection = static_cast<double>(foreground);
  double united = intersection;
  for (const lovasz_error<T>& e : errors) {
    if (target[e.index] > T{0.5}) {
      intersection -= 1;
    } else {
      united += 1;
    }
    const double jaccard = 1 - intersection / united;
    loss += static_cast<double>(e.error) * (jaccard - before);
    slope(e.index, jaccard - before);
    before = jaccard;
  }
  return loss;
}

template <class T>
struct lovasz_result {
  double loss = 0;          ///< mean over the sets that count
  std::vector<T> slopes{};  ///< [N,C,H,W]  dL/derror, 0 where there is none
};

/// The mean of the extension over sets of planes. `error_of(index)` of a pixel; errors of 0 and below count nothing.
/// Where `present_only`, sets without foreground are left out.
template <class T, class F>
lovasz_result<T> lovasz_mean(std::string_view loss, const loss_call<T>& call, over what, bool background,
                             bool present_only, F error_of) {
  const plane_sets sets{loss, call.images(), call.channels(), what, background};
  if (call.logits.size() > std::numeric_limits<std::uint32_t>::max()) {
    fail({loss, ": the batch has more than 2^32 elements; give smaller batches"});
  }
  std::vector<std::vector<std::size_t>> planes(sets.count());
  for (std::size_t n = 0; n < call.images(); ++n) {
    for (std::size_t k = 0; k < call.channels(); ++k) {
      if (sets.has(k)) { planes[sets.of(n, k)].push_back(call.at(n, k)); }
    }
  }
  const T* target = call.target.data();
  lovasz_result<T> result{0, std::vector<T>(call.logits.size())};
  std::size_t counted = 0;
  std::vector<lovasz_error<T>> errors;
  std::vector<lovasz_error<T>> scratch;
  for (const std::vector<std::size_t>& set : planes) {
    errors.clear();
    std::size_t foreground = 0;
    for (const std::size_t first : set) {
      for (std::size_t i = first; i < first + call.plane(); ++i) {
        const T error = error_of(i);
        if (std::isnan(error)) { return {std::numeric_limits<double>::quiet_NaN(), std::move(result.slopes)}; }
        if (error > 0) { errors.push_back({error, static_cast<std::uint32_t>(i)}); }
        foreground += target[i] > T{0.5} ? 1 : 0;
      }
    }
    if (present_only && foreground == 0) { continue; }
    ++counted;
    sort_from_largest(errors, scratch);
    result.loss += lovasz_extension(errors, target, foreground, [&](std::uint32_t index, double slope) {
      result.slopes[index] = static_cast<T>(slope);
    });
  }
  if (counted > 0) {
    result.loss /= static_cast<double>(counted);
    for (T& slope : result.slopes) { slope /= static_cast<T>(counted); }
  }
  return result;
}

}  // namespace detail

/// Lovász hinge: the Jaccard loss of masks, made convex in the logits z of a binary class by the errors of a hinge,
///
///   error = max(0, 1 − z s),   s = 1 where the target is above ½, else −1
///
/// and its Lovász extension (detail::lovasz_extension), mean over sets. An empty target counts the largest error.
/// Allocates and sorts. Source: Berman et al., arXiv:1705.08790.
struct lovasz_hinge_loss {
  static constexpr std::string_view name = "lovasz_hinge";

  segx::over over = segx::over::batch;

  static void options(auto& loss, auto&& option) { option("over", loss.over); }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = probability::sigmoid}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    const T* z = call.logits.data();
    const T* t = call.target.data();
    const auto sign = [t](std::size_t i) { return t[i] > T{0.5} ? T{1} : T{-1}; };
    const auto [loss, slopes] =
        detail::lovasz_mean(name, call, over, true, false, [=](std::size_t i) { return T{1} - z[i] * sign(i); });
    if (call.dlogits) {
      T* dz = call.dlogits->data();
      const T weight = static_cast<T>(call.weight);
      for (std::size_t i = 0; i < slopes.size(); ++i) { dz[i] -= weight * slopes[i] * sign(i); }
    }
    return loss;
  }
};

/// Lovász softmax: the Lovász extension of the Jaccard loss for errors |t − p| of the softmax p over channels, mean
/// over the classes that the target has, of the batch (over=channel) or of each image (over=plane). A target without
/// any class costs nothing. Allocates and sorts, O(n log n). Source: Berman et al., arXiv:1705.08790.
struct lovasz_softmax_loss {
  static constexpr std::string_view name = "lovasz_softmax";

  segx::over over = segx::over::channel;
  bool background = true;  ///< false leaves channel 0 out

  static void options(auto& loss, auto&& option) {
    option("over", loss.over);
    option("background", loss.background);
  }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = probability::softmax}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    std::vector<T> probabilities(call.logits.size());
    detail::for_each_probability<probability::softmax>(
        name, call, [&](std::size_t n, std::size_t k, std::size_t first, std::size_t count, const T* p) {
          std::copy_n(p, count, probabilities.data() + call.at(n, k) + first);
        });
    const T* t = call.target.data();
    const T* p = probabilities.data();
    const auto [loss, slopes] =
        detail::lovasz_mean(name, call, over, background, true, [=](std::size_t i) { return std::abs(t[i] - p[i]); });
    if (call.dlogits) {
      const T weight = static_cast<T>(call.weight);
      detail::add_gradient<probability::softmax>(
          name, call, [&, &slopes = slopes](std::size_t n, std::size_t k, std::size_t first, std::size_t count, T* g) {
            const std::size_t at = call.at(n, k) + first;
            for (std::size_t j = 0; j < count; ++j) {
              g[j] = weight * slopes[at + j] * (t[at + j] > p[at + j] ? T{-1} : T{1});
            }
          });
    }
    return loss;
  }
};

inline constexpr lovasz_hinge_loss lovasz_hinge{};
inline constexpr lovasz_softmax_loss lovasz_softmax{};

static_assert(loss<lovasz_hinge_loss>);
static_assert(loss<lovasz_softmax_loss>);

}  // namespace segx
