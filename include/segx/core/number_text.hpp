#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <version>

#if !defined(__cpp_lib_to_chars)
#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#endif

#include <segx/core/joined.hpp>

namespace segx {

/// The shortest digits that read back as the same number, whatever the locale.
template <typename Number>
std::string number_text(Number value) {
  return std::string{text_part{value}.view()};
}

#if !defined(__cpp_lib_to_chars)
namespace detail {

/// std::from_chars for floating point, which LLVM's library has from version 20 on; without upper-case words.
template <std::floating_point Number>
std::size_t read_number_by_stream(std::string_view text, Number& value) {
  const auto digits = [&](std::size_t from) {
    return std::min(text.find_first_not_of("0123456789", from), text.size());
  };
  const std::size_t whole = text.starts_with('-') ? 1 : 0;
  for (const std::string_view word : {"infinity", "inf", "nan"}) {
    if (!text.substr(whole).starts_with(word)) { continue; }
    using limits = std::numeric_limits<Number>;
    value = word == "nan" ? limits::quiet_NaN() : limits::infinity();
    if (whole == 1) { value = -value; }
    return whole + word.size();
  }
  std::size_t end = digits(whole), count = end - whole;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = end + 1;
    end = digits(fraction);
    count += end - fraction;
  }
  if (count == 0) { return 0; }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    const bool is_signed = end + 1 < text.size() && (text[end + 1] == '-' || text[end + 1] == '+');
    const std::size_t power = end + 1 + (is_signed ? 1 : 0);
    if (digits(power) > power) { end = digits(power); }
  }
  std::istringstream stream{std::string{text.substr(0, end)}};
  stream.imbue(std::locale::classic());
  const bool is_subnormal = !(stream >> value) && value != 0 && std::abs(value) < 1;  // no number to streams
  return stream || is_subnormal ? end : 0;
}

}  // namespace detail
#endif

/// Reads the number that `text` begins with, whatever the locale: how many characters it takes; 0 where there is none
/// that the type holds, and then `value` is not to be used.
template <typename Number>
std::size_t read_number(std::string_view text, Number& value) {
#if !defined(__cpp_lib_to_chars)
  if constexpr (std::floating_point<Number>) {
    return detail::read_number_by_stream(text, value);
  } else  // NOLINT(readability-else-after-return)
#endif
  {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc{} ? static_cast<std::size_t>(end - text.data()) : 0;
  }
}

/// The number that `text` is, from its first character to its last.
template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const std::size_t length = read_number(text, value);
  return length > 0 && length == text.size() ? std::optional{value} : std::nullopt;
}

}  // namespace segx
