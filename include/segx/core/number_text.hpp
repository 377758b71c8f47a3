#pragma once

#include <charconv>
#include <string>

namespace segx {

/// The shortest digits that read back as the same number, whatever the locale.
template <typename Number>
std::string number_text(Number value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

}  // namespace segx
