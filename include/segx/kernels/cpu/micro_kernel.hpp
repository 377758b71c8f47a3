#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/simd.hpp>

/// The innermost loops of every convolution: a few rows times two vectors of columns, held in registers.
///
/// Loops over them are unrolled by pragma: at -O2 GCC keeps short loops, and with them the sums in memory.
namespace segx::simd::HWY_NAMESPACE {

/// Columns of a panel of packed weights, on every machine.
inline constexpr int panel = detail::panel_width;

/// Vectors of the products: whole registers, at most a panel wide.
using column_tag = hn::CappedTag<float, panel>;
using column_vec = hn::Vec<column_tag>;
inline constexpr int column_lanes = hn::MaxLanes(column_tag{});
/// Columns that one pass holds in registers, as two vectors: half a panel of SSE, NEON and WebAssembly, a panel of
/// AVX2, two panels of AVX-512.
inline constexpr int pass_columns = 2 * column_lanes;
#if HWY_ARCH_ARM_A64
inline constexpr bool has_32_registers = true;
#else
inline constexpr bool has_32_registers = column_lanes == 16;  // AVX-512
#endif
/// Rows of a pass: as many as the registers hold beside a row of the right factor; four rows read better where 16
/// registers are short. On NEON eight were chosen by counting: 1.6 multiplications for each load, where four have 1.3.
inline constexpr int max_rows = column_lanes == 16 ? 12 : has_32_registers ? 8 : column_lanes == 8 ? 6 : 4;
static_assert(max_rows <= detail::longest_pass);
/// The same where rows are channels, whose count is a multiple of eight: enough to hide the latency of an addition.
inline constexpr int gradient_rows = has_32_registers ? 8 : 4;

/// How far ahead the right factor is asked for, if it is in a cache; what is in memory is asked for a pass of columns
/// ahead.
inline constexpr int prefetch_rows = 32;

/// A matrix in panels of 16 columns: element (i, j) is at data[j / 16 · panel_distance + i · Distance + j % 16].
template <int Distance>
struct panels {
  const float* data;
  std::int64_t panel_distance;

  HWY_INLINE const float* column(int j) const { return data + j / panel * panel_distance + j % panel; }
};

/// The same for a result.
struct result_panels {
  float* data;
  std::int64_t row_distance;
  std::int64_t panel_distance;

  HWY_INLINE float* column(int j) const { return data + j / panel * panel_distance + j % panel; }
};

/// A number that the compiler knows: addresses of rows become constants in instructions.
template <int N>
using fixed = std::integral_constant<int, N>;

/// Left factor of a product, element (i, k): row i is a pixel, k a channel of values in panels of 16; pixels are
/// `Distance` floats apart.
template <int Distance>
struct pixels_by_channels {
  const float* data;
  std::int64_t panel_distance;

  static constexpr fixed<Distance> row_distance{};
  static constexpr fixed<1> step{};
  static constexpr int most = panel;  // k that follow each other
  HWY_INLINE const float* row(int i) const { return data + i * Distance; }
};

/// The same values with rows and depth exchanged: row i is a channel, k a pixel.
template <int Distance>
struct channels_by_pixels {
  const float* data;
  std::int64_t panel_distance;

  static constexpr fixed<1> row_distance{};
  static constexpr fixed<Distance> step{};
  static constexpr int most = 1 << 20;
  HWY_INLINE const float* row(int i) const { return data + i / panel * panel_distance + i % panel; }
};

/// Two vectors of a pass lie in two panels where a vector is as wide as one.
template <int Vectors>
inline constexpr bool takes_two_panels = Vectors == 2 && column_lanes == panel;

/// Keeps a vector that is used several times in a register. GCC 12 may read it from memory each time, as if that were
/// free: passes of four rows took 1.6 times as long. (In longer ones it keeps them by itself.)
HWY_INLINE void keep_in_register([[maybe_unused]] column_vec& v) {
#if HWY_ARCH_X86 && HWY_COMPILER_GCC_ACTUAL
  if constexpr (column_lanes > 1) { asm("" : "+v"(v.raw)); }
#endif
}

/// sum[vector][i] += Σ_k a[i · row_distance + k · step] · b[k][…] over k in [0, count). b0 and b1 are where the columns
/// of the two vectors begin; they are moved on, `distance` floats for each k. With `Asks`, asks for rows to come, and
/// for those of the next pass, `next` floats further: worth it where b is large.
///
/// The loop over k is not unrolled: V8, which compiles WebAssembly for the browser, then keeps sums in memory.
template <int Rows, int Vectors, bool Asks>
HWY_INLINE void accumulate(const float* HWY_RESTRICT a, auto row_distance, auto step, int count,
                           const float* HWY_RESTRICT& b0, const float* HWY_RESTRICT& b1, auto distance,
                           std::int64_t next, column_vec* sum0, column_vec* sum1) {
  const column_tag d;
  constexpr bool two_panels = takes_two_panels<Vectors>;
  for (int k = 0; k < count; ++k) {
    if (Asks) {
      hwy::Prefetch(b0 + prefetch_rows * distance);
      __builtin_prefetch(b0 + next, 0, 2);  // into the second-level cache
    }
    if (Asks && two_panels) {
      hwy::Prefetch(b1 + prefetch_rows * distance);
      __builtin_prefetch(b1 + next, 0, 2);
    }
    column_vec w0 = hn::LoadU(d, b0);
    column_vec w1 = hn::LoadU(d, two_panels ? b1 : b0 + (Vectors - 1) * column_lanes);
    if (Rows <= 4 && Vectors == 2) {
      keep_in_register(w0);
      keep_in_register(w1);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const column_vec v = hn::Set(d, a[i * row_distance]);
      sum0[i] = hn::MulAdd(v, w0, sum0[i]);
      if (Vectors == 2) { sum1[i] = hn::MulAdd(v, w1, sum1[i]); }
    }
    a += step;
    b0 += distance;
    if (two_panels) { b1 += distance; }
  }
}

/// c[first + i][j …] (+)= Σ_k a(first + i, k) · b[k][j …] for `Vectors` vectors of columns, i in [0, Rows), k in [0,
/// depth).
template <int Rows, int Vectors, class Left, int Distance>
HWY_INLINE void multiply(const Left& a, int first, int depth, const panels<Distance>& b, int j, const result_panels& c,
                         bool adds) {
  const column_tag d;
  const int last_vector = j + (Vectors - 1) * column_lanes;
  float* HWY_RESTRICT c0 = c.column(j) + first * c.row_distance;
  float* HWY_RESTRICT c1 = c.column(last_vector) + first * c.row_distance;
  column_vec sum0[Rows];
  column_vec sum1[Rows];
  if (adds) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      sum0[i] = hn::LoadU(d, c0 + i * c.row_distance);
      if (Vectors == 2) { sum1[i] = hn::LoadU(d, c1 + i * c.row_distance); }
    }
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) { sum0[i] = sum1[i] = hn::Zero(d); }
  }
  const float* HWY_RESTRICT b0 = b.column(j);
  const float* HWY_RESTRICT b1 = b.column(last_vector);
  const float* from = a.row(first);
  for (int k = 0; k < depth; k += Left::most, from += a.panel_distance) {
    if constexpr (Left::row_distance > 1) {
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) { hwy::Prefetch(from + a.panel_distance + i * Left::row_distance); }
    }
    accumulate<Rows, Vectors, true>(from, Left::row_distance, Left::step, std::min(Left::most, depth - k), b0, b1,
                                    fixed<Distance>{}, (takes_two_panels<Vectors> ? 2 : 1) * b.panel_distance, sum0,
                                    sum1);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    hn::StoreU(sum0[i], d, c0 + i * c.row_distance);
    if (Vectors == 2) { hn::StoreU(sum1[i], d, c1 + i * c.row_distance); }
  }
}

/// Calls pass<Vectors>(k) for channels k to k + pass_columns, until all are passed: with one vector where the second
/// would have none.
template <class Pass>
HWY_INLINE void for_each_pass(int channels, Pass&& pass) {
  int k = 0;
  if constexpr (pass_columns == channel_block) {
    for (; k < channels; k += pass_columns) { pass.template operator()<2>(k); }
  } else {
    for (; k + column_lanes < channels; k += pass_columns) { pass.template operator()<2>(k); }
    if (k < channels) { pass.template operator()<1>(k); }
  }
}

/// How many rows are tried where `rows` are too many.
constexpr int fewer_rows(int rows) { return rows > 8 ? 8 : rows > 4 ? 4 : rows / 2; }

template <int MaxRows, int Vectors>
HWY_INLINE void multiply_rows(const auto& a, int first, int rows, int depth, const auto& b, int j,
                              const result_panels& c, bool adds) {
  for (; first + MaxRows <= rows; first += MaxRows) { multiply<MaxRows, Vectors>(a, first, depth, b, j, c, adds); }
  if constexpr (MaxRows > 1) {
    if (first < rows) { multiply_rows<fewer_rows(MaxRows), Vectors>(a, first, rows, depth, b, j, c, adds); }
  }
}

/// c[rows × columns] = a[rows × depth] · b, or is added to; `columns` is a multiple of 16.
template <int MaxRows>
[[gnu::noinline]] void matrix_product(const auto& a, int rows, int depth, const auto& b, int columns,
                                      const result_panels& c, bool adds) {
  int j = 0;
  for (; j + pass_columns <= columns; j += pass_columns) {
    multiply_rows<MaxRows, 2>(a, 0, rows, depth, b, j, c, adds);
  }
  if constexpr (pass_columns > panel) {
    if (j < columns) { multiply_rows<MaxRows, 1>(a, 0, rows, depth, b, j, c, adds); }
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
