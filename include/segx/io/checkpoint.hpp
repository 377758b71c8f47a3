#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/checksum.hpp>
#include <segx/io/safetensors.hpp>

namespace segx {

/// Everything that a training needs to go on as if it had never stopped. What is drawn by chance (order of samples,
/// augmentation, dropout) depends on the seed and on the counters alone, so the counters are its random state.
struct checkpoint {
  std::vector<float> weights;
  std::vector<float> optimizer;               // its state
  std::map<std::string, std::string> values;  // counters and settings as text, by name

  void set(const std::string& name, double value) {
    char digits[32];
    values[name] = {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
  }
  void set(const std::string& name, std::int64_t value) { values[name] = std::to_string(value); }
  void set(const std::string& name, std::string value) { values[name] = std::move(value); }

  /// Throws `error` if there is no such number.
  template <class Number>
  Number get(const std::string& name) const {
    const auto found = values.find(name);
    Number number{};
    const bool is_number = found != values.end() && [&] {
      const char* end = found->second.data() + found->second.size();
      const auto [read, problem] = std::from_chars(found->second.data(), end, number);
      return problem == std::errc{} && read == end;
    }();
    if (!is_number) { fail("a checkpoint without the number \"" + name + "\""); }
    return number;
  }
};

/// Writes a checkpoint of a network; a crash at any moment leaves the old file or the new one.
inline void save_checkpoint(const std::filesystem::path& path, const checkpoint& state, std::uint64_t fingerprint) {
  const auto entry = [](const char* name, const std::vector<float>& values) {
    return tensor_entry{name, dtype::f32, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span{values})};
  };
  const std::vector<tensor_entry> tensors{entry("weights", state.weights), entry("optimizer", state.optimizer)};
  std::map<std::string, std::string> metadata = state.values;
  metadata["format"] = "segx checkpoint 1";
  metadata["fingerprint"] = hex_text(fingerprint);
  metadata["sha256.weights"] = sha256(tensors[0].bytes);
  metadata["sha256.optimizer"] = sha256(tensors[1].bytes);
  write_file_atomically(path, make_safetensors(tensors, metadata));
}

/// Reads a checkpoint of the network with this fingerprint. Throws `error`, which names the file.
inline checkpoint load_checkpoint(const std::filesystem::path& path, std::uint64_t fingerprint) {
  const std::vector<std::byte> bytes = read_file(path);
  safetensors_view file;
  if (const std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { fail(path.string() + ": " + wrong); }
  if (file.metadata["format"] != "segx checkpoint 1") { fail(path.string() + ": not a checkpoint of segx"); }
  if (file.metadata["fingerprint"] != hex_text(fingerprint)) {
    fail(path.string() + ": a checkpoint of another network: expected the fingerprint " + hex_text(fingerprint) +
         ", found " + file.metadata["fingerprint"]);
  }
  checkpoint state;
  for (const auto& [name, to] : {std::pair{"weights", &state.weights}, std::pair{"optimizer", &state.optimizer}}) {
    const tensor_entry* entry = file.find(name);
    if (entry == nullptr || sha256(entry->bytes) != file.metadata[std::string{"sha256."} + name]) {
      fail(path.string() + ": damaged, the " + name + " are not those that were written");
    }
    to->resize(entry->bytes.size() / sizeof(float));
    if (const std::string wrong = to_float32(*entry, *to); !wrong.empty()) { fail(path.string() + ": " + wrong); }
  }
  state.values = std::move(file.metadata);
  return state;
}

}  // namespace segx
