#pragma once

#include <filesystem>

#include <segx/core/error.hpp>

namespace segx {

/// Keeps a folder, which must exist, for one training while it lives: another lock on it, of this process or any other,
/// is refused. It ends with the process, however that ends, and leaves no file. A file system that cannot lock (some
/// that lie on another machine) gives no such protection, and no error.
class folder_lock {
 public:
  /// Throws `error` if the folder is locked, or cannot be opened.
  explicit folder_lock(const std::filesystem::path& folder);
  ~folder_lock();
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;

 private:
  int descriptor_;  // of the open folder
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/io/impl/folder_lock.hpp>
#endif
