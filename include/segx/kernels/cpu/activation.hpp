#pragma once

#include <segx/core/epilogue.hpp>
#include <segx/kernels/cpu/highway.hpp>

/// Activations of whole vectors, and their slopes. What is a matter of a minimum and a maximum, convolutions do
/// themselves.
namespace segx::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// eˣ to 2e-7 relative, for x in [−87, 87]; beyond, it stays as it is there. x = k log 2 + r with integer k and
/// |r| ≤ ½ log 2; eʳ by the polynomial of expf in Moshier's Cephes library.
template <class D>
HWY_INLINE hn::Vec<D> exp(D d, hn::Vec<D> x) {
  x = hn::Min(hn::Max(x, hn::Set(d, -87.0F)), hn::Set(d, 87.0F));
  const auto to_integer = hn::Set(d, 12582912.0F);  // 1.5 · 2²³: adding it leaves k in the lowest bits of the sum
  const auto shifted = hn::MulAdd(x, hn::Set(d, 1.44269504F), to_integer);
  const auto k = hn::Sub(shifted, to_integer);
  auto r = hn::NegMulAdd(k, hn::Set(d, 0.693359375F), x);  // log 2 in two parts
  r = hn::MulAdd(k, hn::Set(d, 2.12194440e-4F), r);
  auto p = hn::Set(d, 1.9875691500e-4F);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1F));
  p = hn::Add(hn::MulAdd(hn::Mul(p, r), r, r), hn::Set(d, 1.0F));
  const hn::RebindToUnsigned<D> du;
  const auto power = hn::ShiftLeft<23>(hn::Add(hn::BitCast(du, shifted), hn::Set(du, 127U)));
  return hn::Mul(p, hn::BitCast(d, power));  // · 2ᵏ
}

/// 1 / (1 + e^−x)
template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, exp(d, hn::Neg(x))));
}

template <class D>
HWY_INLINE hn::Vec<D> hard_sigmoid(D d, hn::Vec<D> x) {
  const auto moved = hn::Add(x, hn::Set(d, 3.0F));
  return hn::Mul(hn::Min(hn::Max(moved, hn::Zero(d)), hn::Set(d, 6.0F)), hn::Set(d, 1.0F / 6));
}

/// The activation of each lane; `slope` as in `epilogue`. Not inlined: one copy serves all kernels, which keeps the
/// browser's program small.
template <class D>
HWY_NOINLINE hn::Vec<D> activated(D d, activation act, float slope, hn::Vec<D> x) {
  switch (act) {
    case activation::relu:
      return hn::Max(hn::Zero(d), x);
    case activation::relu6:
      return hn::Min(hn::Max(hn::Zero(d), x), hn::Set(d, 6.0F));
    case activation::leaky_relu:
      return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(x, hn::Set(d, slope)));
    case activation::elu: {
      const auto below = hn::Mul(hn::Set(d, slope), hn::Sub(exp(d, x), hn::Set(d, 1.0F)));
      return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, below);
    }
    case activation::sigmoid:
      return sigmoid(d, x);
    case activation::hard_sigmoid:
      return hard_sigmoid(d, x);
    case activation::silu:
      return hn::Mul(x, sigmoid(d, x));
    case activation::hard_swish:
      return hn::Mul(x, hard_sigmoid(d, x));
    case activation::none:
    case activation::softmax:
      break;
  }
  return x;
}

/// The slope of the activation, from its result, or from its input where `slope_follows_from_result` says no.
template <class D>
HWY_NOINLINE hn::Vec<D> slope_of(D d, activation act, float slope, hn::Vec<D> known) {
  const auto zero = hn::Zero(d);
  const auto one = hn::Set(d, 1.0F);
  switch (act) {
    case activation::relu:
      return hn::IfThenElseZero(hn::Gt(known, zero), one);
    case activation::relu6:
      return hn::IfThenElseZero(hn::And(hn::Gt(known, zero), hn::Lt(known, hn::Set(d, 6.0F))), one);
    case activation::leaky_relu:
      return hn::IfThenElse(hn::Gt(known, zero), one, hn::Set(d, slope));
    case activation::elu:
      return hn::IfThenElse(hn::Gt(known, zero), one, hn::Add(known, hn::Set(d, slope)));
    case activation::sigmoid:
      return hn::Mul(known, hn::Sub(one, known));
    case activation::hard_sigmoid:
      return hn::IfThenElseZero(hn::And(hn::Gt(known, zero), hn::Lt(known, one)), hn::Set(d, 1.0F / 6));
    case activation::silu: {
      const auto s = sigmoid(d, known);
      return hn::Mul(s, hn::MulAdd(known, hn::Sub(one, s), one));
    }
    case activation::hard_swish: {
      const auto inner = hn::MulAdd(known, hn::Set(d, 1.0F / 3), hn::Set(d, 0.5F));
      const auto above = hn::IfThenElse(hn::Lt(known, hn::Set(d, 3.0F)), inner, one);
      return hn::IfThenElseZero(hn::Gt(known, hn::Set(d, -3.0F)), above);
    }
    case activation::none:
    case activation::softmax:
      break;
  }
  return one;
}

}  // namespace segx::simd::HWY_NAMESPACE
