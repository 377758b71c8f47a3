#pragma once

// The one place that includes Highway. Version 1.0 refuses a file that is compiled for a processor of its target
// AVX3_DL (Ice Lake, Zen 4 and later under -march=native) unless this asks for that target.
#ifndef HWY_WANT_AVX3_DL
#define HWY_WANT_AVX3_DL
#endif
// Nothing here encrypts: -mavx2 -mfma shall do without -maes -mpclmul.
#ifndef HWY_DISABLE_PCLMUL_AES
#define HWY_DISABLE_PCLMUL_AES
#endif
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#if defined(__wasm_relaxed_simd__)
// Highway 1.0 does not know WebAssembly's relaxed SIMD, which multiplies and adds in one instruction. These are
// preferred to its templates of the same names.
namespace hwy::HWY_NAMESPACE {

HWY_API Vec128<float> MulAdd(Vec128<float> mul, Vec128<float> x, Vec128<float> add) {
  return Vec128<float>{wasm_f32x4_relaxed_madd(mul.raw, x.raw, add.raw)};
}

/// add − mul·x.
HWY_API Vec128<float> NegMulAdd(Vec128<float> mul, Vec128<float> x, Vec128<float> add) {
  return Vec128<float>{wasm_f32x4_relaxed_nmadd(mul.raw, x.raw, add.raw)};
}

}  // namespace hwy::HWY_NAMESPACE
#endif
