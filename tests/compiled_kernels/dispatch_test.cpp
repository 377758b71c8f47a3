#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include <segx/kernels/cpu.hpp>

TEST_CASE("the library takes no instruction set above the wanted one", "[kernels]") {
  const char* most = std::getenv("SEGX_MAX_INSTRUCTION_SET");
  const std::string wanted = most != nullptr ? most : "avx512";
  const std::string taken = segx::cpu_instruction_set();
  INFO(wanted << " → " << taken);
#if defined(__x86_64__)
  const bool is_sse4 = taken == "SSE4";
  const bool is_avx2 = taken == "AVX2";
  const bool is_avx512 = taken == "AVX-512";
  CHECK((is_sse4 || is_avx2 || is_avx512));
  if (wanted == "sse4") { CHECK(is_sse4); }
  if (wanted == "avx2") { CHECK_FALSE(is_avx512); }
#else
  CHECK_FALSE(taken.empty());
#endif
}
