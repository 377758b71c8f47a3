#pragma once

#include <string_view>

namespace segx::detail {

/// A text without the byte order mark that some editors put in front of it.
inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

}  // namespace segx::detail
