#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>

namespace segx {

/// A part of a longer text: a text, or a number as its shortest digits that read back as the same number, whatever the
/// locale. It refers to a text and does not keep it.
class text_part {
 public:
  text_part(std::string_view text) : text_(text) {}
  text_part(const std::string& text) : text_(text) {}
  text_part(const char* text) : text_(text) {}
  text_part(char letter) : digits_{letter}, length_(1) {}
  text_part(bool) = delete;
  text_part(std::signed_integral auto value) { write(static_cast<long long>(value)); }
  text_part(std::unsigned_integral auto value) { write(static_cast<unsigned long long>(value)); }
  text_part(std::floating_point auto value) { write(value); }

  std::string_view view() const { return length_ > 0 ? std::string_view{digits_, length_} : text_; }

 private:
  template <typename Number>
  [[gnu::noinline]] void write(Number value) {
    if constexpr (requires { std::to_chars(digits_, digits_ + sizeof digits_, value); }) {
      length_ = static_cast<std::size_t>(std::to_chars(digits_, digits_ + sizeof digits_, value).ptr - digits_);
    } else {  // floating point with LLVM's library before version 14: enough digits
      constexpr int digits = std::numeric_limits<Number>::max_digits10;
      length_ =
          static_cast<std::size_t>(std::snprintf(digits_, sizeof digits_, "%.*g", digits, static_cast<double>(value)));
    }
  }

  std::string_view text_;
  char digits_[32];
  std::size_t length_ = 0;
};

/// The parts after each other: `joined({"an image of ", height, "x", width})`. One call, where `+` of strings would be
/// many, all of them inlined: texts of errors are a third of what a program that trains has the compiler optimise.
[[gnu::noinline]] inline std::string joined(std::initializer_list<text_part> parts) {
  std::size_t length = 0;
  for (const text_part& part : parts) { length += part.view().size(); }
  std::string text;
  text.reserve(length);
  for (const text_part& part : parts) { text += part.view(); }
  return text;
}

}  // namespace segx
