#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/core/joined.hpp>

namespace segx {

/// "[16,256,256]"
inline std::string text_of(shape s) { return joined({"[", s.channels, ",", s.height, ",", s.width, "]"}); }

/// "16 lower-case hexadecimal digits" of a fingerprint.
inline std::string hex_text(std::uint64_t value) {
  char digits[17];
  const auto count = static_cast<std::size_t>(std::to_chars(digits, digits + 16, value, 16).ptr - digits);
  return joined({std::string(16 - count, '0'), std::string_view{digits, count}});
}

/// As "%.9g" in the C locale, whatever the program's is.
inline std::string nine_digits(double value) {
  char digits[32];
#if defined(__cpp_lib_to_chars)
  return {digits, std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 9).ptr};
#else  // LLVM's library, in the browser
  std::snprintf(digits, sizeof digits, "%.9g", value);
  return digits;
#endif
}

/// "kernel 3, stride 1": the numbers that a layer was made with, as far as they say something.
template <class Op>
std::string options_text(const node<Op>& n) {
  std::string text;
  for (const attribute& a : n.attributes) {
    const bool is_default = (a.name == "stride" || a.name == "dilation" || a.name == "groups") && a.value == 1;
    if (a.name.empty() || is_default || (a.name == "padding" && a.value == 0)) { continue; }
    text += joined({text.empty() ? "" : ", ", a.name, " ", nine_digits(a.value)});
  }
  return text;
}

/// "conv2d(kernel 3, padding 1)"
template <class Op>
std::string layer_text(const node<Op>& n) {
  const std::string options = options_text(n);
  return options.empty() ? std::string{n.layer} : joined({n.layer, "(", options, ")"});
}

/// A network as text, a line for each layer: "7 encoder.1.conv1: conv2d(kernel 3, padding 1) of 6 -> 32 channels".
inline std::string architecture_text(std::span<const node<no_op>> composed) {
  std::string text;
  for (std::size_t i = 0; i < composed.size(); ++i) {
    const node<no_op>& n = composed[i];
    text += joined({i, " ", n.name.view(), ": ", layer_text(n)});
    for (int k = 0; k < n.input_count; ++k) { text += joined({k == 0 ? " of " : " and ", n.inputs[k]}); }
    text += joined({" -> ", n.output.channels, n.output.channels == 1 ? " channel\n" : " channels\n"});
  }
  return text;
}

}  // namespace segx
