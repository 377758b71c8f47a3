#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/folder_lock.hpp>

namespace segx {

SEGX_IMPL_COLD folder_lock::folder_lock(const std::filesystem::path& folder)
    : descriptor_{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
  if (descriptor_ < 0) {
    fail({"cannot open the folder '", folder.string(), "' (", detail::reason(),
          "); choose one that you may read and write"});
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    fail({"another training runs in the folder '", folder.string(),
          "'; wait until it has ended, or choose another folder"});
  }
}

SEGX_IMPL_COLD folder_lock::~folder_lock() { ::close(descriptor_); }

}  // namespace segx
