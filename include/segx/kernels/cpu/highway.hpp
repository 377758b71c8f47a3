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
