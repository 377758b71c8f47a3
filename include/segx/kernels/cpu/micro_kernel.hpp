#pragma once

#include <segx/kernels/cpu/simd.hpp>

/// The innermost loops of every convolution: a few rows times two vectors of columns, held in registers.
///
/// Loops over them are unrolled by pragma: at -O2 GCC keeps short loops, and with them the sums in memory.
namespace segx::simd::HWY_NAMESPACE {

/// Columns of a panel of packed weights, on every machine.
inline constexpr int panel = 16;

/// Vectors of the products: whole registers, at most a panel wide.
using column_tag = hn::CappedTag<float, panel>;
using column_vec = hn::Vec<column_tag>;
inline constexpr int column_lanes = hn::MaxLanes(column_tag{});
/// Columns that one pass holds in registers, as two vectors: half a panel of SSE, NEON and WebAssembly, a panel of
/// AVX2, two panels of AVX-512.
inline constexpr int pass_columns = 2 * column_lanes;
/// Rows of a pass: as many as the registers hold beside a row of the right factor (AVX-512 has 32 registers, others
/// 16; four rows read better where vectors are short).
inline constexpr int max_rows = column_lanes == 16 ? 12 : column_lanes == 8 ? 6 : 4;
/// The same where rows are channels, whose count is a multiple of eight: enough to hide the latency of an addition.
inline constexpr int gradient_rows = column_lanes == 16 ? 8 : 4;

/// How far ahead the right factor is asked for: large weights come from memory, in pieces that end at pages.
inline constexpr int prefetch_rows = 32;

/// Right factor of a product: element (k, j) is at data[j / 16 · panel_distance + k · row_distance + j % 16].
struct panels {
  const float* data;
  std::int64_t row_distance;
  std::int64_t panel_distance;

  HWY_INLINE const float* column(int j) const { return data + j / panel * panel_distance + j % panel; }
};

/// c[i][0 … Vectors · column_lanes) (+)= Σ_k a[i · row_distance + k · step] · b[k][j …], i in [0, Rows), k in [0,
/// depth).
template <int Rows, int Vectors, bool Add>
HWY_INLINE void multiply(const float* HWY_RESTRICT a, std::int64_t row_distance, std::int64_t step, const panels& b,
                         int j, int depth, float* HWY_RESTRICT c, std::int64_t c_distance) {
  const column_tag d;
  const float* HWY_RESTRICT b0 = b.column(j);
  const float* HWY_RESTRICT b1 = b.column(j + (Vectors - 1) * column_lanes);
  column_vec sum0[Rows];
  column_vec sum1[Rows];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    sum0[i] = Add ? hn::LoadU(d, c + i * c_distance) : hn::Zero(d);
    if (Vectors == 2) { sum1[i] = Add ? hn::LoadU(d, c + i * c_distance + column_lanes) : hn::Zero(d); }
  }
  for (int k = 0; k < depth; ++k, b0 += b.row_distance, b1 += b.row_distance, a += step) {
    hwy::Prefetch(b0 + prefetch_rows * b.row_distance);
    if (Vectors == 2 && column_lanes == panel) { hwy::Prefetch(b1 + prefetch_rows * b.row_distance); }
    const column_vec w0 = hn::LoadU(d, b0);
    const column_vec w1 = hn::LoadU(d, b1);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const column_vec v = hn::Set(d, a[i * row_distance]);
      sum0[i] = hn::MulAdd(v, w0, sum0[i]);
      if (Vectors == 2) { sum1[i] = hn::MulAdd(v, w1, sum1[i]); }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    hn::StoreU(sum0[i], d, c + i * c_distance);
    if (Vectors == 2) { hn::StoreU(sum1[i], d, c + i * c_distance + column_lanes); }
  }
}

template <int MaxRows, int Vectors, bool Add>
HWY_INLINE void multiply_rows(int rows, const float* a, std::int64_t row_distance, std::int64_t step, const panels& b,
                              int j, int depth, float* c, std::int64_t c_distance) {
  int i = 0;
  for (; i + MaxRows <= rows; i += MaxRows) {
    multiply<MaxRows, Vectors, Add>(a + i * row_distance, row_distance, step, b, j, depth, c + i * c_distance,
                                    c_distance);
  }
  if constexpr (MaxRows > 1) {
    if (i < rows) {
      multiply_rows<MaxRows / 2, Vectors, Add>(rows - i, a + i * row_distance, row_distance, step, b, j, depth,
                                               c + i * c_distance, c_distance);
    }
  }
}

/// c[rows × columns] (+)= a[rows × depth] · b; `columns` is a multiple of 16.
template <int MaxRows, bool Add>
[[gnu::noinline]] void matrix_product(int rows, int depth, int columns, const float* a, std::int64_t row_distance,
                                      std::int64_t step, const panels& b, float* c, std::int64_t c_distance) {
  int j = 0;
  for (; j + pass_columns <= columns; j += pass_columns) {
    multiply_rows<MaxRows, 2, Add>(rows, a, row_distance, step, b, j, depth, c + j, c_distance);
  }
  if constexpr (pass_columns > panel) {
    if (j < columns) { multiply_rows<MaxRows, 1, Add>(rows, a, row_distance, step, b, j, depth, c + j, c_distance); }
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
