#pragma once

#include <catch2/catch.hpp>

#include <segx/kernels/cpu.hpp>
#include <segx/kernels/reference.hpp>

/// The backends that typed tests run on, and how exact each must be, as max |difference| / max |value|.
struct reference_double {
  using type = segx::reference<double>;
  static type make() { return {}; }
  static constexpr double exact = 1e-12;
  static constexpr double winograd = exact;
  static constexpr double gradient = 1e-6;
};

struct reference_float {
  using type = segx::reference<float>;
  static type make() { return {}; }
  static constexpr double exact = 1e-5;
  static constexpr double winograd = exact;
  static constexpr double gradient = 1e-3;
};

/// Winograd's transforms multiply by numbers up to 32 and divide by up to 360, which costs about a digit.
template <int Threads>
struct cpu_threads {
  using type = segx::cpu;
  static type make() { return type{Threads}; }
  static constexpr double exact = 1e-5;
  static constexpr double winograd = 1e-4;
  static constexpr double gradient = 1e-3;
};

#ifdef SEGX_TEST_CUDA  // tests/cuda/CMakeLists.txt: the same tests once more, on a GPU or its emulation

#include "cuda/backends.hpp"

#else

using other_backend = segx::cpu;

/// Every test that says something about backends is a SEGX_BACKEND_TEST: a new backend joins them all here.
#define SEGX_BACKEND_TEST(...) \
  TEMPLATE_TEST_CASE(__VA_ARGS__, reference_double, reference_float, cpu_threads<1>, cpu_threads<3>)
/// … and those whose memory holds floats: sums of hundreds of products that cancel say nothing of numbers of 16 bits.
#define SEGX_FLOAT_TEST SEGX_BACKEND_TEST
/// … and those that are exact enough for finite differences.
#define SEGX_GRADIENT_TEST SEGX_BACKEND_TEST

#endif
