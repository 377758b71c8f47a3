#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>

namespace segx::tool {

/// For the word that names a file to write: that it cannot be is known before the work is done.
inline CLI::Validator in_a_folder() {
  return CLI::Validator{[](const std::string& file) -> std::string {
                          if (std::filesystem::is_directory(file)) {
                            return joined({file, " is a folder, not a file"});
                          }
                          const std::filesystem::path folder = std::filesystem::path{file}.parent_path();
                          if (folder.empty() || std::filesystem::is_directory(folder)) { return {}; }
                          return joined({"there is no folder ", folder.string(), " to write ", file, " to"});
                        },
                        "FILE"};
}

/// Numbers from `least` to `most`, written in decimal, as CLI::Range has it; but NaN is none, and none wraps around.
template <class T>
CLI::Validator number_between(T least, T most) {
  const std::string range = joined({least, " to ", most});
  return CLI::Validator{
      [=](const std::string& word) -> std::string {
        const std::optional<T> value = number_of<T>(word);
        if (value && *value >= least && *value <= most) { return {}; }
        return joined({"expected a ", std::is_integral_v<T> ? "whole " : "", "number from ", range, ", not ", word});
      },
      range};
}

inline CLI::Option* add_seed(CLI::App* command, std::uint64_t& place, const std::string& meaning) {
  return command->add_option("--seed", place, meaning)
      ->check(number_between<std::uint64_t>(0, std::numeric_limits<std::uint64_t>::max()))
      ->capture_default_str();
}

/// The name of a folder, however its path is written: "data" of "data/", and of "." where that is.
inline std::string name_of_folder(const std::filesystem::path& folder) {
  std::filesystem::path whole = std::filesystem::absolute(folder).lexically_normal();
  if (!whole.has_filename()) { whole = whole.parent_path(); }
  return whole.filename().string();
}

/// How mask files are read, for commands that take no recipe.
inline void add_mask_threshold(CLI::App* command, std::optional<int>& place) {
  command->add_option("--mask-threshold", place, "gray value from which a mask that is not binary counts")
      ->check(CLI::Range(1, 65535));
}

}  // namespace segx::tool
