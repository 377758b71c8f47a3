#pragma once

#include <cmath>
#include <vector>

#include <segx/kernels/cpu/highway.hpp>
#include <segx/kernels/cpu/subnormals.hpp>
#include <segx/optim/optimizer.hpp>
#include <segx/optim/parameter_group.hpp>
#include <segx/optim/step_rule.hpp>

namespace segx::detail {

/// The numbers of one step of Adam, the same for all weights.
template <class T>
struct moment_factors {
  T keep;          ///< 1 − decoupled weight decay
  T l2;            ///< weight decay that is added to the gradient
  T fresh1;        ///< 1 − β₁
  T old2, fresh2;  ///< β₂, 1 − β₂
  T rate;          ///< α / (1 − β₁ᵗ)
  T root_scale;    ///< 1 / √(1 − β₂ᵗ)
  T epsilon;       ///< ε
};

/// Highway, since compilers leave a loop with std::sqrt scalar: it may set errno. Named after the instruction set, as
/// in kernels/cpu/simd.hpp.
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// g ← g + l2 w     m ← m + (1 − β₁)(g − m)     v ← β₂ v + (1 − β₂) g²     w ← keep w − rate m / (√v root_scale + ε)
/// for as many elements as D has lanes; equal bits for any number of lanes.
template <class D, class T>
HWY_INLINE void move_weights(D d, const moment_factors<T>& f, T* w, const T* g, T* m, T* v) {
  const auto weight = hn::LoadU(d, w);
  const auto slope = hn::MulAdd(hn::Set(d, f.l2), weight, hn::LoadU(d, g));
  const auto old_first = hn::LoadU(d, m);
  const auto first = hn::MulAdd(hn::Set(d, f.fresh1), hn::Sub(slope, old_first), old_first);
  const auto old_second = hn::Mul(hn::Set(d, f.old2), hn::LoadU(d, v));
  const auto second = hn::MulAdd(hn::Set(d, f.fresh2), hn::Mul(slope, slope), old_second);
  const auto root = hn::MulAdd(hn::Sqrt(second), hn::Set(d, f.root_scale), hn::Set(d, f.epsilon));
  const auto step = hn::Div(hn::Mul(hn::Set(d, f.rate), first), root);
  hn::StoreU(first, d, m);
  hn::StoreU(second, d, v);
  hn::StoreU(hn::MulSub(hn::Set(d, f.keep), weight, step), d, w);
}

template <class T>
void move_all_weights(const moment_factors<T>& f, std::size_t count, T* w, const T* g, T* m, T* v) {
  const hn::ScalableTag<T> many;
  const hn::CappedTag<T, 1> one;
  const std::size_t lanes = hn::Lanes(many);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) { move_weights(many, f, w + i, g + i, m + i, v + i); }
  for (; i < count; ++i) { move_weights(one, f, w + i, g + i, m + i, v + i); }
}

}  // namespace HWY_NAMESPACE

/// Where weight decay acts: on the gradient (Adam's L2), or on the weights alone (AdamW).
enum class decay { in_gradient, decoupled };

/// The running means of gradients and of their squares that Adam and AdamW step along.
template <class T>
struct moments {
  std::size_t parameters;
  std::vector<T> values = std::vector<T>(2 * parameters);  ///< all first moments, then all second moments
  std::int64_t steps = 0;

  template <class Options>
  void step(std::span<T> weights, std::span<const T> gradients, std::span<const parameter_group> groups,
            const Options& o, decay how) {
    ++steps;
    const subnormals_as_zero fast;  // the moments of weights without gradients fade
    for (const parameter_group& group : groups) {
      HWY_NAMESPACE::move_all_weights(factors(group, o, how), group.count, weights.data() + group.first,
                                      gradients.data() + group.first, values.data() + group.first,
                                      values.data() + parameters + group.first);
    }
  }

  /// Begins a step that somebody else makes.
  template <class Options>
  step_rule begin_step(std::span<const parameter_group> groups, const Options& o, decay how) {
    ++steps;
    step_rule rule{step_rule::moments, {}};
    for (const parameter_group& group : groups) {
      const moment_factors<float> f = factors(group, o, how);
      rule.groups.push_back({.first = group.first,
                             .count = group.count,
                             .rate = f.rate,
                             .l2 = f.l2,
                             .keep = f.keep,
                             .fresh1 = f.fresh1,
                             .old2 = f.old2,
                             .fresh2 = f.fresh2,
                             .root_scale = f.root_scale,
                             .epsilon = f.epsilon});
    }
    return rule;
  }

  /// Of the step that `steps` counts.
  template <class Options>
  moment_factors<T> factors(const parameter_group& group, const Options& o, decay how) const {
    const auto t = static_cast<double>(steps);
    const double rate = o.learning_rate * group.rate;
    const double weight_decay = group.decays ? o.weight_decay : 0;
    return {
        .keep = static_cast<T>(how == decay::decoupled ? 1 - rate * weight_decay : 1),
        .l2 = static_cast<T>(how == decay::in_gradient ? weight_decay : 0),
        .fresh1 = static_cast<T>(1 - o.beta1),
        .old2 = static_cast<T>(o.beta2),
        .fresh2 = static_cast<T>(1 - o.beta2),
        .rate = static_cast<T>(rate / (1 - std::pow(o.beta1, t))),
        .root_scale = static_cast<T>(1 / std::sqrt(1 - std::pow(o.beta2, t))),
        .epsilon = static_cast<T>(o.epsilon),
    };
  }
};

template <class Options>
void expect_moment_options(std::string_view optimizer, const Options& o) {
  expect_amount(optimizer, "learning_rate", o.learning_rate);
  expect_option(o.beta1 >= 0 && o.beta1 < 1, optimizer, "beta1", o.beta1, "in [0,1)");
  expect_option(o.beta2 >= 0 && o.beta2 < 1, optimizer, "beta2", o.beta2, "in [0,1)");
  expect_option(o.epsilon > 0, optimizer, "epsilon", o.epsilon, "above 0");
  expect_amount(optimizer, "weight_decay", o.weight_decay);
}

}  // namespace segx::detail
