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
#if defined(__aarch64__)
// Without Linux's way to ask for what a processor has, Highway compiles for what the flags say. With it, its functions
// would have attributes (crypto) which the flags need not have, and GCC would refuse to inline them.
#ifndef TOOLCHAIN_MISS_SYS_AUXV_H
#define TOOLCHAIN_MISS_SYS_AUXV_H 1
#endif
// Kernels know how long a vector is when they are compiled: NEON, where -march=native would mean SVE.
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
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
