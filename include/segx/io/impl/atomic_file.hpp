#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/atomic_file.hpp>

namespace segx {

namespace detail {

/// An open file, closed at the end of its life. Functions of POSIX report through errno: `reason()` is its text.
struct open_file {
  int descriptor = -1;

  open_file(const std::filesystem::path& path, int flags, mode_t mode = 0)
      : descriptor(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~open_file() {
    if (descriptor >= 0) { ::close(descriptor); }
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  bool is_open() const { return descriptor >= 0; }
  /// Closes it now; false when the system only now reports that earlier writes failed (as NFS does).
  bool close() { return ::close(std::exchange(descriptor, -1)) == 0; }
};

/// Writes all of it; false, with errno, when that fails.
inline bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written > 0) { bytes = bytes.subspan(static_cast<std::size_t>(written)); }
    if (written == 0) { errno = ENOSPC; }
    if (written == 0 || (written < 0 && errno != EINTR)) { return false; }
  }
  return true;
}

/// Waits until what was written has reached the disk. On macOS, fsync leaves it in the disk's own memory; file systems
/// that do not know F_FULLFSYNC get no more than that.
inline bool sync_to_disk(int descriptor) {
#ifdef __APPLE__
  if (::fcntl(descriptor, F_FULLFSYNC) == 0) { return true; }
#endif
  return ::fsync(descriptor) == 0;
}

/// Makes a new file's name outlast a crash; true also on file systems that cannot be asked for it.
inline bool sync_folder(const std::filesystem::path& folder) {
  const open_file opened(folder, O_RDONLY | O_DIRECTORY);
  return opened.is_open() && (sync_to_disk(opened.descriptor) || errno == EINVAL || errno == ENOTSUP);
}

}  // namespace detail

SEGX_IMPL_COLD void make_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    fail({"cannot create the folder '", folder.string(), "' (", problem.message(),
          "); choose a place where you may write"});
  }
}

SEGX_IMPL_COLD std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& why) { fail({"cannot read '", path.string(), "': ", why}); };
  const detail::open_file file(path, O_RDONLY);
  struct stat status {};
  if (!file.is_open() || ::fstat(file.descriptor, &status) != 0) { refuse(detail::reason()); }
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) { refuse("it is a device"); }

  std::vector<std::byte> bytes;
  std::size_t size = 0;
  try {
    // One byte more than the size, so that the last read meets the end; more where the size is not known before.
    bytes.resize(static_cast<std::size_t>(status.st_size) + 1);
    while (true) {
      const ssize_t got = ::read(file.descriptor, bytes.data() + size, bytes.size() - size);
      if (got < 0 && errno == EINTR) { continue; }
      if (got < 0) { refuse(detail::reason()); }
      if (got == 0) { break; }
      size += static_cast<std::size_t>(got);
      if (size == bytes.size()) { bytes.resize(2 * size + 65536); }
    }
  } catch (const std::bad_alloc&) { refuse("it does not fit into memory"); } catch (const std::length_error&) {
    refuse("it does not fit into memory");
  }
  bytes.resize(size);
  return bytes;
}

SEGX_IMPL_COLD void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                                          bool lasting) {
  write_file_atomically(path, std::vector{bytes}, lasting);
}

SEGX_IMPL_COLD void write_file_atomically(const std::filesystem::path& path,
                                          const std::vector<std::span<const std::byte>>& pieces, bool lasting) {
  static std::atomic<unsigned> count{0};
  // Not behind the file's own name, which may be as long as names can be.
  const std::filesystem::path temporary = path.parent_path() / joined({"segx.tmp-", ::getpid(), "-", count++});
  const auto refuse = [&](const std::string& why) { fail({"cannot write '", path.string(), "': ", why}); };

  std::error_code ignored;
  const std::filesystem::file_status old = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(old) && !std::filesystem::is_regular_file(old)) {
    refuse("it exists and is not a plain file");
  }

  detail::open_file file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (!file.is_open()) { refuse(detail::reason()); }
  bool is_written = true;
  for (const std::span<const std::byte> bytes : pieces) {
    is_written = is_written && detail::write_all(file.descriptor, bytes);
  }
  if (!is_written || (lasting && !detail::sync_to_disk(file.descriptor)) || !file.close() ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = detail::reason();
    ::unlink(temporary.c_str());
    refuse(why);
  }
  if (lasting && !detail::sync_folder(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."))) {
    refuse(joined({"the new file stands, but may not survive a crash: ", detail::reason()}));
  }
}

SEGX_IMPL_COLD void remove_unfinished(const std::filesystem::path& folder) {
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  };
  std::vector<std::filesystem::path> unfinished;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::size_t mark = name.rfind(".tmp-"), dash = name.rfind('-');
    if (mark == name.npos || dash <= mark + 4) { continue; }
    const std::string_view process = std::string_view{name}.substr(mark + 5, dash - mark - 5);
    if (is_number(process) && is_number(std::string_view{name}.substr(dash + 1))) {
      unfinished.push_back(entry.path());
    }
  }
  for (const std::filesystem::path& file : unfinished) { std::filesystem::remove(file, ignored); }
}

}  // namespace segx
