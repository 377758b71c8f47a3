#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <segx/train/recipe.hpp>

namespace segx {

namespace detail {

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
