// Catch2's runner in WebAssembly, without exceptions, threads and signals. Node runs it: see run.mjs.

#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>
#include <iostream>

int main() {
  // A backend of several threads cannot be made here, so those of the typed tests are left out.
  std::cout.setf(std::ios::unitbuf);  // so that an abort does not swallow what was said before it
  const char* const words[] = {"test_wasm", "-d", "yes", "~*cpu_threads<3>*", "~[gradient]"};
  return Catch::Session().run(5, words);
}
