#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdio>
#include <string>

#include <segx/cuda/driver.hpp>

/// Runs the tests where there is a GPU, or an emulated one; 77 says that there is none, and why.
int main(int argc, char** argv) {
  Catch::Session session;
  if (const int wrong = session.applyCommandLine(argc, argv); wrong != 0) { return wrong; }
  const Catch::ConfigData& asked = session.configData();
  const bool lists = asked.listTests || asked.listTestNamesOnly || asked.listTags;
  if (const std::string why = lists ? "" : segx::gpu::why_no_device(); !why.empty()) {
    std::fprintf(stderr, "skipped: %s\n", why.c_str());
    return 77;
  }
  return session.run();
}
