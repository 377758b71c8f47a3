#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>

namespace segx {

/// What a training minimises: a function of logits and target, both [N,C,H,W] of equal shape, target in [0,1].
///
///   l(logits, target)                    the loss
///   l(logits, target, dlogits)           the loss; adds dL/dlogits to dlogits [N,C,H,W]
///   l(logits, target, dlogits, weight)   the loss; adds weight · dL/dlogits. `weight` scales the gradient only
///   l.text()                             as `parse_loss` reads it: "bce+0.5*jaccard"
///
/// Losses are values without state, equal input gives equal bits. Sums over elements are accumulated in double. Unequal
/// or empty shapes throw `error`; a NaN among the logits makes the loss NaN.
template <class L>
concept loss = requires(const L& l, const xt::xtensor<float, 4>& logits, xt::xtensor<float, 4>& dlogits) {
  { l.text() } -> std::same_as<std::string>;
  { l(logits, logits) } -> std::same_as<double>;
  { l(logits, logits, dlogits) } -> std::same_as<double>;
  { l(logits, logits, dlogits, 1.0) } -> std::same_as<double>;
};

namespace detail {

using batch_extents = std::array<std::size_t, 4>;

inline std::string text_of(const batch_extents& extents) {
  std::string text = "[";
  for (const std::size_t extent : extents) { text += std::to_string(extent) + ","; }
  text.back() = ']';
  return text;
}

inline void expect_extents(std::string_view loss, std::string_view what, const batch_extents& given,
                           const batch_extents& logits) {
  if (given == logits) { return; }
  throw error(std::string(loss) + ": the logits are " + text_of(logits) + ", but the " + std::string(what) + " is " +
              text_of(given) + "; give both the same [N,C,H,W]");
}

/// Throws unless target, and dlogits where there is one, have the shape of logits, which must not be empty.
template <class T>
void expect_same_shape(std::string_view loss, const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target,
                       const xt::xtensor<T, 4>* dlogits = nullptr) {
  expect_extents(loss, "target", target.shape(), logits.shape());
  if (dlogits) { expect_extents(loss, "gradient", dlogits->shape(), logits.shape()); }
  if (logits.size() == 0) {
    throw error(std::string(loss) + ": the batch " + text_of(logits.shape()) + " has no pixels; give at least one");
  }
}

}  // namespace detail
}  // namespace segx
