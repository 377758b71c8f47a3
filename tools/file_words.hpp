#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace segx::tool {

/// For the word that names a file to write: that it cannot be is known before the work is done.
inline CLI::Validator in_a_folder() {
  return CLI::Validator{[](const std::string& file) -> std::string {
                          const std::filesystem::path folder = std::filesystem::path{file}.parent_path();
                          if (folder.empty() || std::filesystem::is_directory(folder)) { return {}; }
                          return "there is no folder " + folder.string() + " to write " + file + " to";
                        },
                        "FILE"};
}

/// How mask files are read, for commands that take no recipe.
inline void add_mask_threshold(CLI::App* command, std::optional<int>& place) {
  command->add_option("--mask-threshold", place, "gray value from which a mask that is not binary counts")
      ->check(CLI::Range(1, 65535));
}

}  // namespace segx::tool
