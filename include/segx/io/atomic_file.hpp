#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <segx/core/error.hpp>

// Files as a whole: read all of one, replace all of one. POSIX.

namespace segx {

namespace detail {

inline std::string reason(int code = errno) { return std::generic_category().message(code); }

}  // namespace detail

/// Makes a folder and those above it, where they are missing. Throws `error`.
void make_folder(const std::filesystem::path& folder);

/// All bytes of the file (of a pipe: until its end); devices are refused. Throws `error` with the path and the reason.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// Makes these bytes the whole content of the file, which need not exist yet; its folder must. A crash at any moment
/// leaves the old file or the new one, whole, and a reader sees only one of them: a crash of the program always, of the
/// machine as far as its disk keeps what fsync (on macOS F_FULLFSYNC) gave it. Throws `error` with the path and the
/// reason; the old file then still stands, unless the sentence says that the new one does: it is whole, but a crash of
/// the machine may bring the old one back.
///
/// How: write a sibling `segx.tmp-<process>-<count>`, fsync, rename over the path, fsync the folder. A crash can
/// leave such a sibling behind, an error does not. A symbolic link is replaced, not followed; a folder or a device is
/// refused. What is easily made again need not be `lasting`: then nothing waits for the disk, and a crash of the
/// machine may cost the file.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes, bool lasting = true);

/// The same of bytes that lie in pieces, so that nobody need copy them together.
void write_file_atomically(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& pieces,
                           bool lasting = true);

/// Removes what killed processes have left of files that they wrote to this folder. Only for who writes there alone.
void remove_unfinished(const std::filesystem::path& folder);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/io/impl/atomic_file.hpp>
#endif
