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

/// step(i) for i in [0, N), unrolled: what is done for several vectors at a time goes step by step for all of them, so
/// that they need not wait for each other's results.
template <int N>
HWY_INLINE void for_each_of(auto&& step) {
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) { step(i); }
}

/// e^(sign · x) as a product of two factors, which an addition may take along: `factor`, and a power of two. For x in
/// [−87, 87], relative error at most 5e-7 for |x| ≤ 20 (1.2e-6 without fused multiplication); beyond ±87 it stays as it
/// is there, and NaN stays NaN. x log₂e = k + r with integer k and |r| ≤ ½; 2ʳ by the polynomial of degree 5 with
/// p(0) = 1 whose largest relative error is the least, 9.2e-8.
template <class V, int N>
struct exponential {
  V factor[N], power[N];

  template <class D>
  HWY_INLINE exponential(D d, const V (&x)[N], float sign) {
    const V log2e = hn::Set(d, sign * 1.44269504F);
    // 1.5 · 2²³ + 127: adding it leaves k + 127 in the lowest bits, the exponent of 2ᵏ.
    const V to_integer = hn::Set(d, 12583039.0F);
    V r[N];
    for_each_of<N>([&](int i) SEGX_INLINED { r[i] = at_most(hn::Set(d, 87.0F), at_least(hn::Set(d, -87.0F), x[i])); });
    for_each_of<N>([&](int i) SEGX_INLINED { power[i] = hn::MulAdd(r[i], log2e, to_integer); });
    for_each_of<N>([&](int i) SEGX_INLINED { r[i] = hn::MulSub(r[i], log2e, hn::Sub(power[i], to_integer)); });
    for_each_of<N>([&](int i) SEGX_INLINED { factor[i] = hn::Set(d, 1.32647273e-3F); });
    const auto next = [&](float coefficient) SEGX_INLINED {
      for_each_of<N>([&](int i) SEGX_INLINED { factor[i] = hn::MulAdd(factor[i], r[i], hn::Set(d, coefficient)); });
    };
    next(9.67151299e-3F);
    next(5.55073358e-2F);
    next(0.240222424F);
    next(0.693147004F);
    next(1.0F);
    const hn::RebindToUnsigned<D> du;
    for_each_of<N>([&](int i)
                       SEGX_INLINED { power[i] = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(du, power[i]))); });
  }
};

/// dividend[i] / (1 + e^−x[i]), in the place of x
template <class D, class V, int N>
HWY_INLINE void divide_by_logistic(D d, V (&x)[N], auto&& dividend) {
  const exponential<V, N> e{d, x, -1};
  for_each_of<N>([&](int i) SEGX_INLINED {
    x[i] = hn::Div(dividend(x[i]), hn::MulAdd(e.factor[i], e.power[i], hn::Set(d, 1.0F)));
  });
}

template <class D>
HWY_INLINE hn::Vec<D> hard_sigmoid(D d, hn::Vec<D> x) {
  const auto moved = hn::Add(x, hn::Set(d, 3.0F));
  return hn::Mul(at_most(hn::Set(d, 6.0F), at_least(hn::Zero(d), moved)), hn::Set(d, 1.0F / 6));
}

/// Calls body(f), where f makes of some vectors the activation of each lane; `slope` as in `epilogue`.
template <class D, class Body>
HWY_INLINE void with_activation(D d, activation act, float slope, Body&& body) {
  using V = hn::Vec<D>;
  // f of what is done vector by vector
  const auto of_each = [](auto f) SEGX_INLINED {
    return [f]<int N>(V(&x)[N]) SEGX_INLINED { for_each_of<N>([&](int i) SEGX_INLINED { x[i] = f(x[i]); }); };
  };
  switch (act) {
    case activation::relu:
      return body(of_each([d](V x) SEGX_INLINED { return at_least(hn::Zero(d), x); }));
    case activation::relu6:
      return body(of_each([d](V x) SEGX_INLINED { return at_most(hn::Set(d, 6.0F), at_least(hn::Zero(d), x)); }));
    case activation::leaky_relu:
      return body(of_each([d, slope](V x) SEGX_INLINED {
        return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(x, hn::Set(d, slope)));
      }));
    case activation::elu:
      return body([d, slope]<int N>(V(&x)[N]) SEGX_INLINED {
        const exponential<V, N> e{d, x, 1};
        for_each_of<N>([&](int i) SEGX_INLINED {
          const V below = hn::Mul(hn::Set(d, slope), hn::MulSub(e.factor[i], e.power[i], hn::Set(d, 1.0F)));
          x[i] = hn::IfThenElse(hn::Gt(x[i], hn::Zero(d)), x[i], below);
        });
      });
    case activation::sigmoid:
      return body([d]<int N>(V(&x)[N])
                      SEGX_INLINED { divide_by_logistic(d, x, [d](V) SEGX_INLINED { return hn::Set(d, 1.0F); }); });
    case activation::hard_sigmoid:
      return body(of_each([d](V x) SEGX_INLINED { return hard_sigmoid(d, x); }));
    case activation::silu:
      return body([d]<int N>(V(&x)[N])
                      SEGX_INLINED { divide_by_logistic(d, x, [](V same) SEGX_INLINED { return same; }); });
    case activation::hard_swish:
      return body(of_each([d](V x) SEGX_INLINED { return hn::Mul(x, hard_sigmoid(d, x)); }));
    case activation::none:
    case activation::softmax:
      return body(of_each([](V x) SEGX_INLINED { return x; }));
  }
}

/// The activation of one vector. Not inlined: one copy serves all kernels, which keeps the browser's program small.
template <class D>
HWY_NOINLINE hn::Vec<D> activated(D d, activation act, float slope, hn::Vec<D> x) {
  hn::Vec<D> only[] = {x};
  with_activation(d, act, slope, [&](auto f) SEGX_INLINED { f(only); });
  return only[0];
}

/// The activation of `count` vectors in memory, `distance` floats apart, in place.
template <class D>
HWY_NOINLINE void activate(D d, activation act, float slope, float* values, int count, int distance) {
  with_activation(d, act, slope, [&](auto f) SEGX_INLINED {
    const auto take = [&]<int N>() SEGX_INLINED {
      hn::Vec<D> x[N];
      for_each_of<N>([&](int i) SEGX_INLINED { x[i] = hn::LoadU(d, values + i * distance); });
      f(x);
      for_each_of<N>([&](int i) SEGX_INLINED { hn::StoreU(x[i], d, values + i * distance); });
      values += N * distance;
    };
    int left = count;
    for (; left >= 4; left -= 4) { take.template operator()<4>(); }
    for (; left > 0; --left) { take.template operator()<1>(); }
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
      hn::Vec<D> s[] = {known};
      divide_by_logistic(d, s, [&](hn::Vec<D>) SEGX_INLINED { return one; });
      return hn::Mul(s[0], hn::MulAdd(known, hn::Sub(one, s[0]), one));
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
