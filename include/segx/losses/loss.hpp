#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>

namespace segx {

/// What a training minimises: a function of logits and target, both [N,C,H,W] of equal shape, target in [0,1].
///
///   l(logits, target)                    the loss
///   l(logits, target, dlogits)           the loss; adds dL/dlogits to dlogits [N,C,H,W]
///   l(logits, target, dlogits, weight)   the loss; adds weight · dL/dlogits. `weight` scales the gradient only
///   l.text()                             as `parse_loss` reads it: "bce+0.5*jaccard"
///
/// Losses are values without state, equal input gives equal bits. Sums over elements are accumulated in double. Unequal
/// or empty shapes throw `error`; a NaN among the logits makes the loss NaN. Logits and target are both float (or both
/// double): 8-bit masks are what metrics take, and do not compile here.
template <class L>
concept loss = requires(const L& l, const xt::xtensor<float, 4>& logits, xt::xtensor<float, 4>& dlogits) {
  { l.text() } -> std::same_as<std::string>;
  { l(logits, logits) } -> std::same_as<double>;
  { l(logits, logits, dlogits) } -> std::same_as<double>;
  { l(logits, logits, dlogits, 1.0) } -> std::same_as<double>;
};

/// How logits become probabilities, which is also the head of a network that is trained so.
enum class probability {
  sigmoid,  ///< each channel by itself: one class, or classes that overlap
  softmax,  ///< over the channels of a pixel: classes that exclude each other; channel 0 is the background
};

/// What is known of a loss beside its value: `l.facts()`, for the losses of segx.
struct loss_facts {
  std::optional<probability> reads = std::nullopt;  ///< how it reads logits
  bool weighs_pixels = false;                       ///< it is a mean over pixels, which may have weights: weighted.hpp
};

/// One loss of a weighted sum: for who computes it in another way, as a GPU does.
struct loss_part {
  double factor = 1;
  const std::type_info* type = nullptr;
  const void* loss = nullptr;  ///< which lives as long as what it is a part of

  /// The loss, if it is of this type.
  template <class L>
  const L* as() const {
    return *type == typeid(L) ? static_cast<const L*>(loss) : nullptr;
  }
};

/// The arguments of one call of a loss, whose shapes are checked. The losses of segx write one function,
/// `double compute(const loss_call<T>&) const`, and leave the forms of the concept to `detail::evaluate`.
template <class T>
struct loss_call {
  const xt::xtensor<T, 4>& logits;            ///< [N,C,H,W]
  const xt::xtensor<T, 4>& target;            ///< [N,C,H,W]
  xt::xtensor<T, 4>* dlogits = nullptr;       ///< [N,C,H,W], gets weight · dL/dlogits added; or none is wanted
  double weight = 1;                          ///< of the gradient
  const xt::xtensor<T, 4>* pixels = nullptr;  ///< [N,1 or C,H,W], factors of the pixels; or all are 1. See weighted.hpp

  std::size_t images() const { return logits.shape()[0]; }
  std::size_t channels() const { return logits.shape()[1]; }
  std::size_t plane() const { return logits.shape()[2] * logits.shape()[3]; }  ///< pixels of an image

  /// Where the plane of image n and channel k begins.
  std::size_t at(std::size_t n, std::size_t k) const { return (n * channels() + k) * plane(); }

  /// The factors of the pixels of image n and channel k, or nullptr where all are 1.
  const T* factors(std::size_t n, std::size_t k) const {
    if (!pixels) { return nullptr; }
    const std::size_t planes = pixels->shape()[1];
    return pixels->data() + (planes == 1 ? n : n * planes + k) * plane();
  }
};

namespace detail {

using batch_extents = std::array<std::size_t, 4>;

inline std::string text_of(const batch_extents& extents) {
  std::string text = "[";
  for (const std::size_t extent : extents) { text += joined({extent, ","}); }
  text.back() = ']';
  return text;
}

template <class L, class T>
void expect_extents(const L& l, std::string_view what, const xt::xtensor<T, 4>& given, const batch_extents& logits) {
  if (given.shape() == logits) { return; }
  fail({l.text(), ": the logits are ", text_of(logits), ", but the ", what, " is ", text_of(given.shape()),
        "; give both the same [N,C,H,W]"});
}

/// Throws unless target, and dlogits where there is one, have the shape of logits, which must not be empty.
template <class L, class T>
void expect_same_shape(const L& l, const loss_call<T>& call) {
  expect_extents(l, "target", call.target, call.logits.shape());
  if (call.dlogits) { expect_extents(l, "gradient", *call.dlogits, call.logits.shape()); }
  if (call.logits.size() == 0) {
    fail({l.text(), ": the batch ", text_of(call.logits.shape()), " has no pixels; give at least one"});
  }
}

template <class Logit, class Target>
consteval bool are_logits_and_target() {
  constexpr bool are = std::floating_point<Logit> && std::same_as<Logit, Target>;
  static_assert(are,
                "losses take logits and target as float tensors, metrics take 8-bit masks: give a loss the network's "
                "logits and the target as xt::xtensor<float, 4>");
  return are;
}

template <class L>
constexpr loss_facts facts_of(const L& l) {
  if constexpr (requires { l.facts(); }) {
    return l.facts();
  } else {
    return {};
  }
}

/// Adds factor · l to a list, its parts one by one where it is a sum.
template <class L>
void add_parts(const L& l, double factor, std::vector<loss_part>& to) {
  if constexpr (requires { l.add_parts(factor, to); }) {
    l.add_parts(factor, to);
  } else {
    to.push_back({factor, &typeid(L), &l});
  }
}

/// The type alone tells the facts: no any_loss is in it.
template <class L>
concept known_facts = requires {
  typename std::bool_constant<(facts_of(L{}), true)>;
};

/// l of `call`: by its one function, or in the forms of the concept for a loss of the user's.
template <class L, class T>
double compute(const L& l, const loss_call<T>& call) {
  if constexpr (requires { l.compute(call); }) {
    return l.compute(call);
  } else {
    return call.dlogits ? l(call.logits, call.target, *call.dlogits, call.weight) : l(call.logits, call.target);
  }
}

/// The forms of the concept `loss`, for a loss that has `compute`.
template <class L, class Logit, class Target>
double evaluate(const L& l, const xt::xtensor<Logit, 4>& logits, const xt::xtensor<Target, 4>& target) {
  if constexpr (are_logits_and_target<Logit, Target>()) {
    const loss_call<Logit> call{logits, target};
    expect_same_shape(l, call);
    return l.compute(call);
  }
}

template <class L, class Logit, class Target>
double evaluate(const L& l, const xt::xtensor<Logit, 4>& logits, const xt::xtensor<Target, 4>& target,
                xt::xtensor<Logit, 4>& dlogits, double weight = 1) {
  if constexpr (are_logits_and_target<Logit, Target>()) {
    const loss_call<Logit> call{logits, target, &dlogits, weight};
    expect_same_shape(l, call);
    return l.compute(call);
  }
}

}  // namespace detail
}  // namespace segx
