#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <segx/core/number_text.hpp>

// The JSON of safetensors headers and of recipes: objects, arrays, texts and numbers. A general JSON library would
// be two thirds of the compile time of a program that loads weights. Throws nothing. Source: RFC 8259, RFC 3629.

namespace segx::detail {

/// The text with U+FFFD in place of bytes that are not UTF-8, as in names of files from other times.
std::string as_utf8(std::string_view text);

/// The text in quotes, as JSON; as_utf8 of it.
std::string json_text(std::string_view text);

/// Reads JSON from the front of `rest`. Each function skips white space, takes what its name says, and returns whether
/// it was there; after a false the place is that of the mistake.
struct json_cursor {
  std::string_view rest;

  void skip_space();

  bool take(char letter);

  /// An array or an object, of elements or members that `read_one` reads.
  template <class ReadOne>
  bool take_list(char open, char close, ReadOne read_one) {
    if (!take(open)) { return false; }
    if (take(close)) { return true; }
    do {
      if (!read_one()) { return false; }
    } while (take(','));
    return take(close);
  }

  /// A number that the type holds; a whole one for whole types.
  template <class Number>
  bool take_number(Number& out) {
    skip_space();
    const std::size_t size = std::min(rest.find_first_not_of("+-.eE0123456789"), rest.size());
    std::string_view digits = rest.substr(0, size);
    if (digits.starts_with('-')) { digits.remove_prefix(1); }
    const std::size_t dot = digits.find('.');
    const bool is_json = !digits.empty() && is_digit(digits) && (digits[0] != '0' || !is_digit(digits.substr(1))) &&
                         (dot == digits.npos || is_digit(digits.substr(dot + 1)));
    if (!is_json || read_number(rest.substr(0, size), out) != size) { return false; }
    rest.remove_prefix(size);
    return true;
  }

  /// A whole number from 0 to 2⁶³ − 1.
  bool take_count(std::int64_t& out);

  /// `true`, `false` or `null`.
  bool take_word(std::string_view word);

  bool take_text(std::string& out);

 private:
  static bool is_digit(std::string_view text) { return !text.empty() && text[0] >= '0' && text[0] <= '9'; }

  bool take_escape(std::string& out);

  bool take_code_unit(std::uint32_t& out);
};

}  // namespace segx::detail

#ifndef SEGX_COMPILED
#include <segx/io/impl/json_text.hpp>
#endif
