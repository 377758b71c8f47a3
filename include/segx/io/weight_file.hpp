#pragma once

#include <filesystem>
#include <string>

#include <segx/core/error.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/weight_format.hpp>

namespace segx {

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
  std::string wrong = detail::read_weights(read_file(path), result, test);
  if (wrong.empty()) { wrong = detail::failure_of(test, result.values); }  // the file's bytes are gone by now
  if (!wrong.empty()) { fail({path.string(), ": ", wrong}); }
  return result;
}

}  // namespace segx
