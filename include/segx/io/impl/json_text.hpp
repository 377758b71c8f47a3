#pragma once

#include <algorithm>
#include <charconv>
#include <system_error>

#include <segx/core/impl.hpp>
#include <segx/io/json_text.hpp>

namespace segx::detail {

/// The bytes of the UTF-8 sequence that the text starts with; 0 when it starts with none.
inline std::size_t utf8_length(std::string_view text) {
  if (text.empty()) { return 0; }
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) { return 1; }
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) { return 0; }
  std::uint32_t code = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) { return 0; }
    code = code << 6 | (byte(i) & 0x3fu);
  }
  if (length == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) {
    return 0;  // overlong, or half a surrogate
  }
  if (length == 4 && (code < 0x10000 || code > 0x10ffff)) { return 0; }
  return length;
}

inline void append_utf8(std::string& text, std::uint32_t code) {
  const auto append = [&](std::uint32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
  const auto append_last_bits = [&](std::uint32_t bits) { append(0x80u | (bits & 0x3fu)); };
  if (code < 0x80) {
    append(code);
  } else if (code < 0x800) {
    append(0xc0u | code >> 6), append_last_bits(code);
  } else if (code < 0x10000) {
    append(0xe0u | code >> 12), append_last_bits(code >> 6), append_last_bits(code);
  } else {
    append(0xf0u | code >> 18), append_last_bits(code >> 12), append_last_bits(code >> 6), append_last_bits(code);
  }
}

SEGX_IMPL_COLD std::string as_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      append_utf8(result, 0xfffd);
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

SEGX_IMPL_COLD std::string json_text(std::string_view text) {
  std::string result = "\"";
  for (const char letter : as_utf8(text)) {
    if (letter == '"' || letter == '\\') {
      result += {'\\', letter};
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      result += {'\\', 'u', '0', '0', letter < 0x10 ? '0' : '1', "0123456789abcdef"[letter & 15]};
    } else {
      result += letter;
    }
  }
  return result + '"';
}

SEGX_IMPL_COLD void json_cursor::skip_space() {
  const std::size_t blank = rest.find_first_not_of(" \t\r\n");
  rest.remove_prefix(blank == rest.npos ? rest.size() : blank);
}

SEGX_IMPL_COLD bool json_cursor::take(char letter) {
  skip_space();
  if (!rest.starts_with(letter)) { return false; }
  rest.remove_prefix(1);
  return true;
}

SEGX_IMPL_COLD bool json_cursor::take_count(std::int64_t& out) {
  skip_space();
  return !rest.starts_with('-') && take_number(out);
}

SEGX_IMPL_COLD bool json_cursor::take_word(std::string_view word) {
  skip_space();
  if (!rest.starts_with(word)) { return false; }
  rest.remove_prefix(word.size());
  return true;
}

SEGX_IMPL_COLD bool json_cursor::take_text(std::string& out) {
  if (!take('"')) { return false; }
  out.clear();
  while (!rest.starts_with('"')) {
    if (rest.starts_with('\\')) {
      if (!take_escape(out)) { return false; }
      continue;
    }
    const std::size_t length = utf8_length(rest);
    if (length == 0 || static_cast<unsigned char>(rest[0]) < 0x20) { return false; }
    out += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  rest.remove_prefix(1);
  return true;
}

SEGX_IMPL_COLD bool json_cursor::take_escape(std::string& out) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (rest.size() < 2) { return false; }
  if (const std::size_t which = letters.find(rest[1]); which != letters.npos) {
    out += meanings[which];
    rest.remove_prefix(2);
    return true;
  }
  std::uint32_t code = 0, low = 0;
  if (!take_code_unit(code)) { return false; }
  if (code >= 0xdc00 && code < 0xe000) { return false; }
  if (code >= 0xd800 && code < 0xdc00) {  // the first of two that stand for one
    if (!take_code_unit(low) || low < 0xdc00 || low >= 0xe000) { return false; }
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(out, code);
  return true;
}

SEGX_IMPL_COLD bool json_cursor::take_code_unit(std::uint32_t& out) {  // the four digits of an escape
  if (!rest.starts_with("\\u") || rest.size() < 6) { return false; }
  const auto [end, problem] = std::from_chars(rest.data() + 2, rest.data() + 6, out, 16);
  if (problem != std::errc{} || end != rest.data() + 6) { return false; }
  rest.remove_prefix(6);
  return true;
}

}  // namespace segx::detail
