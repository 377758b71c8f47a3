// Chooses among the tables of the library, once.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include <segx/core/error.hpp>
#include <segx/kernels/cpu/kernel_table.hpp>

namespace segx {

#ifdef SEGX_X86_TABLES

extern const kernel_table kernels_sse4, kernels_avx2, kernels_avx512;

namespace {

enum class level { none, sse4, avx2, avx512 };

/// What the processor and its operating system run.
level level_of_processor() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) { return level::none; }
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2")) {
    return level::sse4;
  }
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  return avx512 ? level::avx512 : level::avx2;
}

level level_wanted() {
  const char* text = std::getenv("SEGX_MAX_INSTRUCTION_SET");
  if (text == nullptr) { return level::avx512; }
  const std::string_view name{text};
  if (name == "sse4") { return level::sse4; }
  if (name == "avx2") { return level::avx2; }
  if (name == "avx512") { return level::avx512; }
  fail("SEGX_MAX_INSTRUCTION_SET is \"" + std::string{name} + "\", expected sse4, avx2 or avx512");
}

const kernel_table& best_table() {
  switch (std::min(level_of_processor(), level_wanted())) {
    case level::none:
      fail(
          "segx::kernels needs a processor with SSE4.2; elsewhere link segx::segx, which compiles its kernels with "
          "you");
    case level::sse4:
      return kernels_sse4;
    case level::avx2:
      return kernels_avx2;
    default:
      return kernels_avx512;
  }
}

}  // namespace

#else

extern const kernel_table kernels_baseline;

namespace {
const kernel_table& best_table() { return kernels_baseline; }
}  // namespace

#endif

const kernel_table& compiled_kernels() {
  static const kernel_table& best = best_table();
  return best;
}

}  // namespace segx
