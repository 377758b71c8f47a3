#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>

#ifndef __cpp_exceptions
#include <cstdio>
#include <cstdlib>
#endif

#include <segx/core/joined.hpp>

namespace segx {

/// What every function of segx above the kernels throws on bad input: one sentence that says what is wrong, where, and
/// what to do about it.
struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws `error`. In a program that is compiled without exceptions (the browser's) it prints the sentence and ends the
/// program: such programs check what they pass.
[[noreturn]] inline void fail(const std::string& sentence) {
#ifdef __cpp_exceptions
  throw error(sentence);
#else
  std::fprintf(stderr, "segx: %s\n", sentence.c_str());
  std::abort();
#endif
}

/// The same, of a sentence in parts: `fail({"expected 2 channels, found ", channels})`.
[[noreturn]] inline void fail(std::initializer_list<text_part> sentence) { fail(joined(sentence)); }

}  // namespace segx
