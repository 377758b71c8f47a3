#pragma once

#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/losses/loss.hpp>

namespace segx {

/// What gives each pixel of a batch a weight: w(target) is [N,C,H,W], or [N,1,H,W] for all channels alike.
template <class W>
concept pixel_weights = requires(const W& w, const xt::xtensor<float, 4>& target) {
  { w(target) } -> std::same_as<xt::xtensor<float, 4>>;
  { w.text() } -> std::same_as<std::string>;
};

namespace detail {

/// weights · factors, where one of both may have a single channel.
template <class T>
xt::xtensor<T, 4> product_of(const xt::xtensor<T, 4>& weights, const xt::xtensor<T, 4>& factors) {
  const bool more = factors.shape()[1] > weights.shape()[1];
  xt::xtensor<T, 4> product = more ? factors : weights;
  const xt::xtensor<T, 4>& other = more ? weights : factors;
  const std::size_t plane = product.shape()[2] * product.shape()[3];
  const std::size_t planes = product.size() / plane;
  const std::size_t repeats = planes / (other.size() / plane);  // how many planes each plane of the other is for
  for (std::size_t i = 0; i < planes; ++i) {
    for (std::size_t j = 0; j < plane; ++j) { product.data()[i * plane + j] *= other.data()[i / repeats * plane + j]; }
  }
  return product;
}

}  // namespace detail

/// inner, whose pixels are weighted: their terms of the mean are multiplied, what it divides by stays as it is. Written
/// `segx::border_weight{.w0 = 10} * segx::bce`.
template <pixel_weights W, loss L>
struct weighted_loss {
  W weights{};
  L inner{};

  std::string text() const {
    const std::string of = inner.text();
    const bool is_sum = of.find('+') != std::string::npos;
    return joined({weights.text(), "*", is_sum ? joined({"(", of, ")"}) : of});
  }
  constexpr loss_facts facts() const { return detail::facts_of(inner); }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(loss_call<T> call) const {
    xt::xtensor<T, 4> map = weights(call.target);
    detail::batch_extents expected = call.target.shape();
    if (map.shape()[1] == 1) { expected[1] = 1; }
    if (map.shape() != expected) {
      fail({text(), ": the weights are ", detail::text_of(map.shape()), ", but the target is ",
            detail::text_of(call.target.shape()), "; give a weight to each pixel, [N,1,H,W] or [N,C,H,W]"});
    }
    if (call.pixels) { map = detail::product_of(map, *call.pixels); }
    call.pixels = &map;
    return detail::compute(inner, call);
  }
};

template <pixel_weights W, loss L>
constexpr weighted_loss<W, L> operator*(W weights, L inner) {
  if constexpr (detail::known_facts<L>) {
    static_assert(detail::facts_of(L{}).weighs_pixels,
                  "weights of pixels are for means over pixels, and this loss is none: weight bce, cross_entropy or "
                  "focal");
  } else if (!detail::facts_of(inner).weighs_pixels) {
    fail({weights.text(), "*", inner.text(),
          ": not every loss here takes weights of pixels; weight bce, cross_entropy or focal"});
  }
  return {std::move(weights), std::move(inner)};
}

/// Weights that are known: one map for one batch.
struct weight_map {
  xt::xtensor<float, 4> values;  ///< [N,1 or C,H,W]

  std::string text() const { return "weight_map"; }

  template <class T>
  xt::xtensor<T, 4> operator()(const xt::xtensor<T, 4>& /*target*/) const {
    return xt::cast<T>(values);
  }
};

static_assert(pixel_weights<weight_map>);

}  // namespace segx
