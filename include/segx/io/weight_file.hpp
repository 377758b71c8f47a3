#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/weight_format.hpp>

namespace segx {

namespace detail {

/// Memory of larger blocks always goes back to the system. Of others glibc, once it has seen one go, keeps as much for
/// the next: letting go of a small file before its self-test costs more than it saves.
inline constexpr std::size_t large_file = 32 << 20;

}  // namespace detail

/// Writes a weight file; a crash at any moment leaves the old file or the new one. Throws `error`.
template <class Network>
void save_weights(const std::filesystem::path& path, const weights<Network>& w, const model_card& card,
                  bool half = false) {
  write_file_atomically(path, encode_weights(w, card, half));
}

/// Reads a weight file and checks it. Throws `error`, which names the file.
template <class Network>
loaded_weights<Network> load_weights(const std::filesystem::path& path, const Network& network = {}) {
  loaded_weights<Network> result{weights<Network>{network}, {}};
  detail::self_test test;
  std::vector<std::byte> bytes = read_file(path);
  std::string wrong = detail::read_weights(bytes, result, test);
  if (bytes.size() > detail::large_file) { bytes = std::vector<std::byte>{}; }  // before the self-test takes as much
  if (wrong.empty()) { wrong = detail::failure_of(test, result.values); }
  if (!wrong.empty()) { fail({path.string(), ": ", wrong}); }
  return result;
}

}  // namespace segx
