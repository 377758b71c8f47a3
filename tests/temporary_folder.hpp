#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

/// A folder of a test's own, removed with everything in it at the end.
class temporary_folder {
 public:
  temporary_folder() {
    static std::atomic<int> count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("segx_test_" + std::to_string(getpid()) + "_" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

/// Cuts a file to a part of its length, as an interrupted copy does.
inline void cut_file(const std::filesystem::path& file, double part) {
  std::filesystem::resize_file(file, static_cast<std::uintmax_t>(part * std::filesystem::file_size(file)));
}

/// The text of what a call throws; "nothing thrown" if it does not.
template <class Call>
std::string message_of(const Call& call) try {
  call();
  return "nothing thrown";
} catch (const std::exception& failure) { return failure.what(); }
