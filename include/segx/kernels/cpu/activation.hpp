#pragma once

#include <segx/core/epilogue.hpp>
#include <segx/kernels/cpu/highway.hpp>

/// For lambdas in kernels, behind their parameters: their values are vectors in registers.
#define SEGX_INLINED __attribute__((always_inline))

/// Activations of whole vectors, and their slopes. What is a matter of a minimum and a maximum, convolutions do
/// themselves.
namespace segx::simd::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// max(bound, x) and min(bound, x); NaN where x is, so that a training which diverges is noticed. Highway leaves that
/// to the processor: on x86 and in WebAssembly, the order of the operands decides.
template <class V>
HWY_INLINE V at_least(V bound, V x) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSE4 || HWY_ARCH_WASM
  return hn::Max(bound, x);
#elif HWY_ARCH_ARM_A64
  return V{vmaxq_f32(bound.raw, x.raw)};
#else
  return hn::IfThenElse(hn::Lt(x, bound), bound, x);
#endif
}
template <class V>
HWY_INLINE V at_most(V bound, V x) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSE4 || HWY_ARCH_WASM
  return hn::Min(bound, x);
#elif HWY_ARCH_ARM_A64
  return V{vminq_f32(bound.raw, x.raw)};
#else
  return hn::IfThenElse(hn::Gt(x, bound), bound, x);
#endif
}

/// max(a, b); NaN where one of them is: each of the two orders keeps one operand's.
template <class V>
HWY_INLINE V larger(V a, V b) {
#if HWY_ARCH_ARM_A64
  return at_least(a, b);
#else
  return hn::Or(at_least(a, b), at_least(b, a));
#endif
}

/// eˣ for x in [−87, 87], relative error at most 5e-7 for |x| ≤ 20 (1.2e-6 without fused multiplication); beyond ±87 it
/// stays as it is there, and NaN stays NaN. x log₂e = k + r with integer k and |r| ≤ ½; 2ʳ by the polynomial of degree
/// 5 with p(0) = 1 whose largest relative error is the least, 9.2e-8.
template <class D>
HWY_INLINE hn::Vec<D> exp(D d, hn::Vec<D> x) {
  x = at_most(hn::Set(d, 87.0F), at_least(hn::Set(d, -87.0F), x));
  const auto log2e = hn::Set(d, 1.44269504F);
  // 1.5 · 2²³ + 127: adding it leaves k + 127 in the lowest bits, the exponent of 2ᵏ.
  const auto to_integer = hn::Set(d, 12583039.0F);
  const auto shifted = hn::MulAdd(x, log2e, to_integer);
  const auto r = hn::MulSub(x, log2e, hn::Sub(shifted, to_integer));
  auto p = hn::Set(d, 1.32647273e-3F);
  p = hn::MulAdd(p, r, hn::Set(d, 9.67151299e-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.55073358e-2F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.240222424F));
  p = hn::MulAdd(p, r, hn::Set(d, 0.693147004F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0F));
  const hn::RebindToUnsigned<D> du;
  return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(du, shifted))));
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
  return hn::Mul(at_most(hn::Set(d, 6.0F), at_least(hn::Zero(d), moved)), hn::Set(d, 1.0F / 6));
}

/// Calls body(f), where f makes of a vector the activation of each lane; `slope` as in `epilogue`.
template <class D, class Body>
HWY_INLINE void with_activation(D d, activation act, float slope, Body&& body) {
  using V = hn::Vec<D>;
  switch (act) {
    case activation::relu:
      return body([d](V x) SEGX_INLINED { return at_least(hn::Zero(d), x); });
    case activation::relu6:
      return body([d](V x) SEGX_INLINED { return at_most(hn::Set(d, 6.0F), at_least(hn::Zero(d), x)); });
    case activation::leaky_relu:
      return body([d, slope](V x) SEGX_INLINED {
        return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(x, hn::Set(d, slope)));
      });
    case activation::elu:
      return body([d, slope](V x) SEGX_INLINED {
        const V below = hn::Mul(hn::Set(d, slope), hn::Sub(exp(d, x), hn::Set(d, 1.0F)));
        return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, below);
      });
    case activation::sigmoid:
      return body([d](V x) SEGX_INLINED { return sigmoid(d, x); });
    case activation::hard_sigmoid:
      return body([d](V x) SEGX_INLINED { return hard_sigmoid(d, x); });
    case activation::silu:
      return body([d](V x) SEGX_INLINED { return hn::Div(x, hn::Add(hn::Set(d, 1.0F), exp(d, hn::Neg(x)))); });
    case activation::hard_swish:
      return body([d](V x) SEGX_INLINED { return hn::Mul(x, hard_sigmoid(d, x)); });
    case activation::none:
    case activation::softmax:
      return body([](V x) SEGX_INLINED { return x; });
  }
}

/// The activation of one vector. Not inlined: one copy serves all kernels, which keeps the browser's program small.
template <class D>
HWY_NOINLINE hn::Vec<D> activated(D d, activation act, float slope, hn::Vec<D> x) {
  with_activation(d, act, slope, [&](auto f) SEGX_INLINED { x = f(x); });
  return x;
}

/// The activation of `count` vectors in memory, `distance` floats apart, in place: several are under way at a time.
template <class D>
HWY_NOINLINE void activate(D d, activation act, float slope, float* values, int count, int distance) {
  with_activation(d, act, slope, [&](auto f) SEGX_INLINED {
    for (int i = 0; i < count; ++i, values += distance) { hn::StoreU(f(hn::LoadU(d, values)), d, values); }
  });
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
