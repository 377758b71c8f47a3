#pragma once

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/simd.hpp>

/// The transforms of Winograd's minimal filtering (winograd.hpp) along one axis, for vectors of channels, and how they
/// go over squares.
///
/// A correlation is the transposed map of a product of polynomials: G and A evaluate at the points, Bᵀ is the
/// transposed interpolation. F(4) has the points 0, ±1, ±2 and ∞, F(6) 0, ±1, ±2, ±1/2 and ∞. A pair ±p shares what is
/// even and what is odd in p, which halves the multiplications. A row of Bᵀ or a column of Aᵀ may have any factor that
/// the row of G makes up for: these leave the fewest multiplications.
///
/// F(2) of stride 2 is F(2, 2) of the inputs that meet the outer taps, with the points 0, 1 and ∞, and the other two
/// inputs times the middle tap: additions alone.
///
/// Sources: Lavin & Gray, arXiv:1509.09308, for F(4); Barabasz et al., "Error analysis and improving the accuracy of
/// Winograd convolution for deep neural networks", ACM TOMS 2020, arXiv:1803.10986, for the points of F(6).
namespace segx::simd::HWY_NAMESPACE {

namespace wino = segx::winograd;

/// Bᵀ x: as many values as the window has, to as many.
template <wino::filter>
struct input_transform;

template <>
struct input_transform<wino::filter{4}> {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* x, V* o) const {
    const V four = hn::Set(d, 4), minus5 = hn::Set(d, -5), two = hn::Set(d, 2);
    o[0] = hn::MulAdd(four, x[0], hn::MulAdd(minus5, x[2], x[4]));
    const V a = hn::NegMulAdd(four, x[2], x[4]);
    const V b = hn::NegMulAdd(four, x[1], x[3]);
    o[1] = hn::Add(a, b);
    o[2] = hn::Sub(a, b);
    const V c = hn::Sub(x[4], x[2]);
    const V e = hn::Sub(x[3], x[1]);
    o[3] = hn::MulAdd(two, e, c);
    o[4] = hn::NegMulAdd(two, e, c);
    o[5] = hn::MulAdd(four, x[1], hn::MulAdd(minus5, x[3], x[5]));
  }
};

template <>
struct input_transform<wino::filter{6}> {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* x, V* o) const {
    const V a = hn::Set(d, 21.0F / 4), minus_b = hn::Set(d, -17.0F / 4);
    const V four = hn::Set(d, 4), minus5 = hn::Set(d, -5), two = hn::Set(d, 2), half = hn::Set(d, 1.0F / 2);
    o[0] = hn::MulAdd(a, hn::Sub(x[4], x[2]), hn::Sub(x[0], x[6]));
    const V even = hn::MulAdd(minus_b, x[4], hn::Add(x[2], x[6]));
    const V odd = hn::MulAdd(minus_b, x[3], hn::Add(x[1], x[5]));
    o[1] = hn::Add(even, odd);
    o[2] = hn::Sub(even, odd);
    const V even2 = hn::MulAdd(minus5, x[4], hn::MulAdd(four, x[6], x[2]));
    const V odd2 = hn::MulAdd(minus5, x[3], hn::MulAdd(four, x[5], x[1]));
    o[3] = hn::MulAdd(two, odd2, even2);
    o[4] = hn::NegMulAdd(two, odd2, even2);
    const V even3 = hn::MulAdd(minus5, x[4], hn::MulAdd(four, x[2], x[6]));
    const V odd3 = hn::MulAdd(minus5, x[3], hn::MulAdd(four, x[1], x[5]));
    o[5] = hn::MulAdd(half, odd3, even3);
    o[6] = hn::NegMulAdd(half, odd3, even3);
    o[7] = hn::MulAdd(a, hn::Sub(x[3], x[5]), hn::Sub(x[7], x[1]));
  }
};

template <>
struct input_transform<wino::strided> {
  template <class D, class V>
  HWY_INLINE void operator()(D, const V* x, V* o) const {
    o[0] = hn::Sub(x[0], x[2]);
    o[1] = x[2];
    o[2] = hn::Sub(x[4], x[2]);
    o[3] = x[1];
    o[4] = x[3];
  }
};

/// Aᵀ m: as many values as the window has, to as many as the tile.
template <wino::filter>
struct output_transform;

template <>
struct output_transform<wino::filter{4}> {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* m, V* o) const {
    const V s = hn::Add(m[1], m[2]), t = hn::Sub(m[1], m[2]), s2 = hn::Add(m[3], m[4]), t2 = hn::Sub(m[3], m[4]);
    o[0] = hn::Add(m[0], hn::Add(s, s2));
    o[1] = hn::MulAdd(hn::Set(d, 2), t2, t);
    o[2] = hn::MulAdd(hn::Set(d, 4), s2, s);
    o[3] = hn::Add(m[5], hn::MulAdd(hn::Set(d, 8), t2, t));
  }
};

template <>
struct output_transform<wino::filter{6}> {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* m, V* o) const {
    const V two = hn::Set(d, 2), four = hn::Set(d, 4), eight = hn::Set(d, 8), sixteen = hn::Set(d, 16);
    const V thirty_two = hn::Set(d, 32);
    const V s = hn::Add(m[1], m[2]), s2 = hn::Add(m[3], m[4]), s3 = hn::Add(m[5], m[6]);  // even in the points
    const V t = hn::Sub(m[1], m[2]), t2 = hn::Sub(m[3], m[4]), t3 = hn::Sub(m[5], m[6]);  // odd
    o[0] = hn::Add(hn::Add(m[0], s), hn::MulAdd(thirty_two, s3, s2));
    o[1] = hn::MulAdd(two, t2, hn::MulAdd(sixteen, t3, t));
    o[2] = hn::MulAdd(four, s2, hn::MulAdd(eight, s3, s));
    o[3] = hn::MulAdd(eight, t2, hn::MulAdd(four, t3, t));
    o[4] = hn::MulAdd(sixteen, s2, hn::MulAdd(two, s3, s));
    o[5] = hn::Add(hn::Add(m[7], t), hn::MulAdd(thirty_two, t2, t3));
  }
};

template <>
struct output_transform<wino::strided> {
  template <class D, class V>
  HWY_INLINE void operator()(D, const V* m, V* o) const {
    o[0] = hn::Add(hn::Add(m[0], m[1]), m[3]);
    o[1] = hn::Add(hn::Add(m[1], m[2]), m[4]);
  }
};

/// G w: three values to weights_along.
template <wino::filter>
struct weight_transform;

template <>
struct weight_transform<wino::filter{4}> {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* w, V* o) const {
    const V s = hn::Add(w[0], w[2]), minus_sixth = hn::Set(d, -1.0F / 6);
    const V t = hn::MulAdd(hn::Set(d, 1.0F / 6), w[2], hn::Mul(hn::Set(d, 1.0F / 24), w[0]));
    const V twelfth = hn::Mul(hn::Set(d, 1.0F / 12), w[1]);
    o[0] = hn::Mul(hn::Set(d, 1.0F / 4), w[0]);
    o[1] = hn::Mul(minus_sixth, hn::Add(s, w[1]));
    o[2] = hn::Mul(minus_sixth, hn::Sub(s, w[1]));
    o[3] = hn::Add(t, twelfth);
    o[4] = hn::Sub(t, twelfth);
    o[5] = w[2];
  }
};

template <>
struct weight_transform<wino::filter{6}> {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* w, V* o) const {
    const V a = hn::Set(d, -2.0F / 9), b = hn::Set(d, 1.0F / 90), c = hn::Set(d, 1.0F / 180);
    const auto put_pair = [&](V even, V odd, int i) SEGX_INLINED {
      o[i] = hn::Add(even, odd);
      o[i + 1] = hn::Sub(even, odd);
    };
    o[0] = w[0];
    put_pair(hn::Mul(a, hn::Add(w[0], w[2])), hn::Mul(a, w[1]), 1);
    put_pair(hn::MulAdd(hn::Set(d, 1.0F / 360), w[0], hn::Mul(b, w[2])), hn::Mul(c, w[1]), 3);
    put_pair(hn::MulAdd(hn::Set(d, 1.0F / 45), w[0], hn::Mul(c, w[2])), hn::Mul(b, w[1]), 5);
    o[7] = w[2];
  }
};

template <>
struct weight_transform<wino::strided> {
  template <class D, class V>
  HWY_INLINE void operator()(D, const V* w, V* o) const {
    o[0] = w[0];
    o[1] = hn::Add(w[0], w[2]);
    o[2] = w[2];
    o[3] = w[1];
  }
};

/// A y: four values to six, the transpose of output_transform of tiles of 4.
struct output_transform_transposed {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* y, V* o) const {
    const V s = hn::Add(y[0], y[2]), t = hn::Add(y[1], y[3]);
    const V s2 = hn::MulAdd(hn::Set(d, 4), y[2], y[0]);
    const V t2 = hn::MulAdd(hn::Set(d, 8), y[3], hn::Add(y[1], y[1]));
    o[0] = y[0];
    o[1] = hn::Add(s, t);
    o[2] = hn::Sub(s, t);
    o[3] = hn::Add(s2, t2);
    o[4] = hn::Sub(s2, t2);
    o[5] = y[3];
  }
};

/// Gᵀ u: six values to three, the transpose of weight_transform of tiles of 4.
struct weight_transform_transposed {
  template <class D, class V>
  HWY_INLINE void operator()(D d, const V* u, V* o) const {
    const V s = hn::Add(u[1], u[2]), t = hn::Sub(u[2], u[1]), s2 = hn::Add(u[3], u[4]), t2 = hn::Sub(u[3], u[4]);
    const V sixth = hn::Set(d, 1.0F / 6), minus_sixth = hn::Set(d, -1.0F / 6);
    const V twelfth = hn::Set(d, 1.0F / 12);
    o[0] = hn::MulAdd(hn::Set(d, 1.0F / 4), u[0], hn::MulAdd(minus_sixth, s, hn::Mul(hn::Set(d, 1.0F / 24), s2)));
    o[1] = hn::MulAdd(sixth, t, hn::Mul(twelfth, t2));
    o[2] = hn::MulAdd(minus_sixth, s, hn::MulAdd(sixth, s2, u[5]));
  }
};

/// transform of load(0), load(1) … load(In − 1) to store(v, 0) … store(v, Out − 1).
template <int In, int Out, class D, class Transform, class Load, class Store>
HWY_INLINE void transform_line(D d, Transform transform, Load&& load_value, Store&& store_value) {
  hn::Vec<D> in[In];
  hn::Vec<D> out[Out];
#pragma GCC unroll 8
  for (int i = 0; i < In; ++i) { in[i] = load_value(i); }
  transform(d, in, out);
#pragma GCC unroll 8
  for (int i = 0; i < Out; ++i) { store_value(out[i], i); }
}

/// A transform of the columns and then the rows of In × In values to Out × Out: load(row, column), store(v, row,
/// column). The loops stay loops, and what is between the two is in memory: unrolled, they are more values than a
/// compiler can keep in registers, or in order.
template <int In, int Out, class D, class Transform, class Load, class Store>
HWY_INLINE void transform_square(D d, Transform transform, Load&& load_value, Store&& store_value) {
  constexpr int size = hn::MaxLanes(D{});
  alignas(64) float half[Out * In * size];
#pragma GCC unroll 1
  for (int s = 0; s < In; ++s) {
    transform_line<In, Out>(
        d, transform, [&](int r) SEGX_INLINED { return load_value(r, s); },
        [&](auto v, int r) SEGX_INLINED { hn::Store(v, d, half + (r * In + s) * size); });
  }
#pragma GCC unroll 1
  for (int r = 0; r < Out; ++r) {
    transform_line<In, Out>(
        d, transform, [&](int s) SEGX_INLINED { return hn::Load(d, half + (r * In + s) * size); },
        [&](auto v, int s) SEGX_INLINED { store_value(v, r, s); });
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
