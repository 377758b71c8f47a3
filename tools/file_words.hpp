#pragma once

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/data/dataset.hpp>

namespace segx::tool {

/// For the word that names a file to write: that it cannot be is known before the work is done.
inline CLI::Validator in_a_folder() {
  return CLI::Validator{[](const std::string& file) -> std::string {
                          std::error_code ignored;  // what cannot be looked at is no folder
                          if (std::filesystem::is_directory(file, ignored)) {
                            return joined({file, " is a folder, not a file"});
                          }
                          const std::filesystem::path folder = std::filesystem::path{file}.parent_path();
                          if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
                            return joined({"there is no folder ", folder.string(), " to write ", file, " to"});
                          }
                          const std::string here = folder.empty() ? "." : folder.string();
                          if (access(here.c_str(), W_OK | X_OK) == 0) { return {}; }
                          return joined({here, ": nothing may be written to this folder, so not ", file, " either"});
                        },
                        "FILE"};
}

/// Throws `error` if a file to write is one of those that are read, by whatever path.
inline void expect_not_read(const std::filesystem::path& written, const std::vector<std::filesystem::path>& read) {
  for (const std::filesystem::path& file : read) {
    std::error_code ignored;
    if (std::filesystem::equivalent(written, file, ignored)) {
      fail({written.string(), ": is read by this command, and would be written over; write to another file"});
    }
  }
}

inline std::vector<std::filesystem::path> files_in(const dataset& data) {
  std::vector<std::filesystem::path> files;
  for (const sample& s : data.samples) {
    files.push_back(s.image);
    files.insert(files.end(), s.masks.begin(), s.masks.end());
  }
  return files;
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
