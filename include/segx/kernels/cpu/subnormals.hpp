#pragma once

#include <cstdint>

namespace segx::detail {

/// While it lives, the thread takes numbers below the least normal one, 1.2e-38 in float, for zero, and rounds to zero
/// what would become one. With such numbers many processors take ten to a hundred times as long; and a mean that fades,
/// as 0.9 m does, ends in one and never becomes zero. Where the processor cannot be asked for it, nothing changes. For
/// loops over memory: what stays in registers, compilers may compute behind its end.
class subnormals_as_zero {
 public:
  subnormals_as_zero() { set(before_ | bits); }
  ~subnormals_as_zero() { set(before_); }
  subnormals_as_zero(const subnormals_as_zero&) = delete;
  subnormals_as_zero& operator=(const subnormals_as_zero&) = delete;

 private:
#if defined(__SSE__)
  static constexpr std::uint32_t bits = 0x8040;  // FTZ and DAZ of MXCSR
  static std::uint32_t get() { return __builtin_ia32_stmxcsr(); }
  static void set(std::uint32_t control) { __builtin_ia32_ldmxcsr(control); }
  std::uint32_t before_ = get();
#elif defined(__aarch64__)
  static constexpr std::uint64_t bits = std::uint64_t{1} << 24U;  // FZ of FPCR
  static std::uint64_t get() {
    std::uint64_t control = 0;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void set(std::uint64_t control) { asm volatile("msr fpcr, %0" : : "r"(control) : "memory"); }
  std::uint64_t before_ = get();
#else
  static constexpr std::uint32_t bits = 0;
  static void set(std::uint32_t) {}
  std::uint32_t before_ = 0;
#endif
};

}  // namespace segx::detail
