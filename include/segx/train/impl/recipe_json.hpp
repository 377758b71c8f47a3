#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/byte_order_mark.hpp>
#include <segx/io/checksum.hpp>
#include <segx/io/json_text.hpp>
#include <segx/train/recipe_json.hpp>

namespace segx {

namespace detail {

inline std::string as_json(const std::string& text) { return json_text(text); }
inline std::string as_json(bool value) { return value ? "true" : "false"; }
inline std::string as_json(recipe_number auto value) { return number_text(value); }
template <class T>
std::string as_json(const std::optional<T>& value) {
  return value ? number_text(*value) : "null";
}
inline std::string as_json(const std::map<std::string, double>& values) {
  std::string all = "{";
  for (const auto& [name, value] : values) {
    all += joined({all.size() == 1 ? "" : ", ", json_text(name), ": ", value});
  }
  return joined({all, "}"});
}

/// Each reads a value into `out`; "" when it was there, else what was expected.
/// A list of texts, as of augmentations or classes, is the same as the text with commas between.
inline std::string take(json_cursor& from, std::string& out) {
  from.skip_space();
  if (!from.rest.starts_with('[')) { return from.take_text(out) ? "" : "a text in quotes"; }
  out.clear();
  const bool is_read = from.take_list('[', ']', [&] {
    std::string part;
    if (!from.take_text(part)) { return false; }
    out += joined({out.empty() ? "" : ",", part});
    return true;
  });
  return is_read ? "" : "a text in quotes, or a list of such texts";
}
inline std::string take(json_cursor& from, bool& out) {
  out = from.take_word("true");
  return out || from.take_word("false") ? "" : "true or false";
}

template <recipe_number T>
std::string take(json_cursor& from, T& out) {
  return from.take_number(out) ? "" : std::same_as<T, double> ? "a number" : "a whole number";
}
template <class T>
std::string take(json_cursor& from, std::optional<T>& out) {
  if (from.take_word("null")) {
    out.reset();
    return "";
  }
  const std::string wrong = take(from, out.emplace());
  return wrong.empty() ? "" : joined({wrong, " or null"});
}
inline std::string take(json_cursor& from, std::map<std::string, double>& out) {
  out.clear();
  const bool is_read = from.take_list('{', '}', [&] {
    std::string name;
    return from.take_text(name) && from.take(':') && from.take_number(out[name]);
  });
  return is_read ? "" : "names and numbers, as {\"encoder\": 0.1}";
}

SEGX_IMPL_COLD std::string field_json(const recipe& r, const recipe_field& field) {
  return std::visit([&](auto member) { return as_json(r.*member); }, field.member);
}

/// Reads the member of an object that comes next; "" when that went well.
inline std::string take_field(json_cursor& from, recipe& out, std::set<std::string>& seen) {
  std::string key;
  if (!from.take_text(key)) { return "expected a key in quotes"; }
  const auto field = std::find_if(recipe_fields.begin(), recipe_fields.end(), [&](auto& f) { return f.key == key; });
  if (field == recipe_fields.end()) {
    std::string known;
    for (const recipe_field& f : recipe_fields) { known.append(known.empty() ? "" : ", ").append(f.key); }
    return joined({"a recipe has no key \"", key, "\"; it has ", known});
  }
  if (!seen.insert(key).second) { return joined({"the key \"", key, "\" stands there twice"}); }
  if (!from.take(':')) { return joined({"expected ':' behind \"", key, "\""}); }
  const std::string expected = std::visit([&](auto member) { return take(from, out.*member); }, field->member);
  if (expected.empty()) { return ""; }
  const bool is_number = field->most > field->least;  // one that the type does not hold is none of its numbers
  return joined({"\"", key, "\" must be ", expected, is_number ? joined({", ", range_text(*field)}) : ""});
}

}  // namespace detail

SEGX_IMPL_COLD std::string recipe_json(const recipe& r, std::string_view between) {
  const bool in_lines = between.find('\n') != between.npos;
  std::string text = in_lines ? joined({"{", between}) : "{";
  for (const recipe_field& field : recipe_fields) {
    if (&field != &recipe_fields.front()) { text.append(",").append(between); }
    text += joined({"\"", field.key, "\": ", detail::field_json(r, field)});
  }
  return text + (in_lines ? "\n}\n" : "}");
}

SEGX_IMPL_COLD recipe without_folders(recipe r) {
  for (std::string recipe::*file : {&recipe::validation_list, &recipe::pretrained}) {
    r.*file = std::filesystem::path{r.*file}.filename().string();
  }
  return r;
}

SEGX_IMPL_COLD std::string recipe_sha256(const recipe& r) {
  const std::string text = recipe_json(without_folders(r));
  return sha256(std::as_bytes(std::span{text}));
}

SEGX_IMPL_COLD recipe parse_recipe(std::string_view text) {
  recipe result;
  std::string wrong;
  std::set<std::string> seen;
  detail::json_cursor cursor{text};
  const bool is_read = cursor.take_list('{', '}', [&] {
    wrong = detail::take_field(cursor, result, seen);
    return wrong.empty();
  });
  cursor.skip_space();
  if (is_read && cursor.rest.empty()) { return result; }
  if (wrong.empty()) {
    wrong =
        is_read ? "expected nothing behind the recipe" : "expected a JSON object, as {\"epochs\": 40, \"batch\": 8}";
  }
  const std::string_view before = text.substr(0, text.size() - cursor.rest.size());
  fail({"line ", 1 + std::count(before.begin(), before.end(), '\n'), ": ", wrong});
}

SEGX_IMPL_COLD recipe read_recipe(const std::filesystem::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  try {
    return checked(parse_recipe(detail::without_byte_order_mark(text)));
  } catch (const error& wrong) { fail({file.string(), ": ", wrong.what()}); }
}

SEGX_IMPL_COLD std::string difference(const recipe& there, const recipe& here) {
  std::string all;
  for (const recipe_field& field : recipe_fields) {
    const std::string a = detail::field_json(there, field), b = detail::field_json(here, field);
    if (a != b) {
      all.append(all.empty() ? "" : ", ").append(field.key).append(" is ").append(a).append(" and not ").append(b);
    }
  }
  return all;
}

}  // namespace segx
