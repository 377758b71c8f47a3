#pragma once

#include <cstddef>
#include <string_view>

namespace segx {

/// A short text that can be a template argument, so that compilers print it: `named<"conv1", …>`.
struct sentence {
  char text[103]{};
  unsigned char length = 0;

  constexpr sentence() = default;
  constexpr sentence(const char* s) { append(s); }
  constexpr explicit sentence(int index) { append(index); }
  constexpr sentence(const char* s, int index) {
    append(s);
    append(".");
    append(index);
  }

  constexpr std::string_view view() const { return {text, length}; }
  constexpr bool empty() const { return length == 0; }
  /// No letter more fits; perhaps some did not.
  constexpr bool is_full() const { return length == sizeof text - 1; }

  /// What does not fit is cut off.
  constexpr void append(std::string_view s) {
    for (const char c : s) {
      if (!is_full()) { text[length++] = c; }
    }
  }

  constexpr void append(int number) {
    char digits[12]{};
    int at = 11;
    const bool negative = number < 0;
    do {
      digits[--at] = static_cast<char>('0' + (negative ? -(number % 10) : number % 10));
    } while ((number /= 10) != 0);
    if (negative) { digits[--at] = '-'; }
    append(std::string_view{digits + at});
  }

  constexpr void shorten(std::size_t to) {
    while (length > to) { text[--length] = '\0'; }
  }

  friend constexpr bool operator==(const sentence&, const sentence&) = default;
};

}  // namespace segx
