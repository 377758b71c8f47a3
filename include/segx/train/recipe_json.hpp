#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <segx/io/atomic_file.hpp>
#include <segx/io/checksum.hpp>
#include <segx/io/json_text.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

namespace detail {

inline std::string as_json(const std::string& text) { return json_text(text); }
inline std::string as_json(bool value) { return value ? "true" : "false"; }
inline std::string as_json(recipe_number auto value) { return number_text(value); }
template <class T>
std::string as_json(const std::optional<T>& value) {
  return value ? number_text(*value) : "null";
}
std::string as_json(const std::map<std::string, double>& values);

/// Each reads a value into `out`; "" when it was there, else what was expected.
inline std::string take(json_cursor& from, std::string& out) { return from.take_text(out) ? "" : "a text in quotes"; }
std::string take(json_cursor& from, bool& out);
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
  return wrong.empty() ? "" : wrong + " or null";
}
std::string take(json_cursor& from, std::map<std::string, double>& out);

std::string field_json(const recipe& r, const recipe_field& field);

}  // namespace detail

/// A recipe as JSON: every member, in the order of `recipe_fields`, in one line. Equal recipes give equal texts.
/// `between` separates the members; the line for people is "\n  ".
std::string recipe_json(const recipe& r, std::string_view between = " ");

/// The recipe as others may see it, in a weight file's card: files by their names alone.
recipe without_folders(recipe r);

/// Of the recipe without folders: the same wherever the files are.
std::string recipe_sha256(const recipe& r);

/// Reads a recipe; what it does not name keeps its default. Throws `error`, with the line, for anything that is not a
/// recipe, unknown and repeated keys included.
recipe parse_recipe(std::string_view text);

/// The recipe of a file. Throws `error`, which names the file.
recipe read_recipe(const std::filesystem::path& file);

/// What differs: "epochs is 40 and not 20, seed is 1 and not 2"; empty where nothing does.
std::string difference(const recipe& there, const recipe& here);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/recipe_json.hpp>
#endif
