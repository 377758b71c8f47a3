#pragma once

#include <segx/kernels/cpu/simd.hpp>

/// The innermost loops of every convolution: a few rows times a panel of 16 columns, held in registers.
namespace segx::simd::HWY_NAMESPACE {

/// Columns of a panel of packed weights, on every machine.
inline constexpr int panel = 16;
/// Columns that one pass of the kernel holds in registers, as two vectors; a panel takes panel / pass_columns passes.
inline constexpr int pass_columns = 2 * lanes;
/// Rows that fit beside them into sixteen registers; four read better where vectors are short.
inline constexpr int max_rows = lanes == 8 ? 6 : 4;

/// c[i][0 … pass_columns) (+)= Σ_k a[i·row_distance + k·step] · b[k·b_distance …], for Rows rows i and k in [0, depth).
template <int Rows, bool Add>
HWY_INLINE void multiply(const float* HWY_RESTRICT a, std::int64_t row_distance, std::int64_t step,
                         const float* HWY_RESTRICT b, std::int64_t b_distance, int depth, float* HWY_RESTRICT c,
                         std::int64_t c_distance) {
  vec left[Rows];
  vec right[Rows];
  for (int i = 0; i < Rows; ++i) {
    left[i] = Add ? load(c + i * c_distance) : zero();
    right[i] = Add ? load(c + i * c_distance + lanes) : zero();
  }
  for (int k = 0; k < depth; ++k) {
    const vec b0 = load(b + k * b_distance);
    const vec b1 = load(b + k * b_distance + lanes);
    for (int i = 0; i < Rows; ++i) {
      const vec v = all(a[i * row_distance + k * step]);
      left[i] = hn::MulAdd(v, b0, left[i]);
      right[i] = hn::MulAdd(v, b1, right[i]);
    }
  }
  for (int i = 0; i < Rows; ++i) {
    store(left[i], c + i * c_distance);
    store(right[i], c + i * c_distance + lanes);
  }
}

/// multiply() for any number of rows.
template <int MaxRows, bool Add>
HWY_INLINE void multiply_rows(int rows, const float* a, std::int64_t row_distance, std::int64_t step, const float* b,
                              std::int64_t b_distance, int depth, float* c, std::int64_t c_distance) {
  int i = 0;
  for (; i + MaxRows <= rows; i += MaxRows) {
    multiply<MaxRows, Add>(a + i * row_distance, row_distance, step, b, b_distance, depth, c + i * c_distance,
                           c_distance);
  }
  if constexpr (MaxRows > 1) {
    if (i < rows) {
      multiply_rows<MaxRows / 2, Add>(rows - i, a + i * row_distance, row_distance, step, b, b_distance, depth,
                                      c + i * c_distance, c_distance);
    }
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
