#pragma once

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/core/number_text.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/checksum.hpp>
#include <segx/io/safetensors.hpp>

namespace segx {

/// Everything that a training needs to go on as if it had never stopped. What is drawn by chance (order of samples,
/// augmentation, dropout) depends on the seed and on the counters alone, so the counters are its random state.
struct checkpoint {
  std::vector<float> weights;
  std::vector<float> optimizer;               // its state
  std::vector<float> average;                 // moving average of the weights; empty where there is none
  std::map<std::string, std::string> values;  // counters and settings as text, by name

  void set(const std::string& name, double value) { values[name] = number_text(value); }
  void set(const std::string& name, std::int64_t value) { values[name] = std::to_string(value); }
  void set(const std::string& name, std::string value) { values[name] = std::move(value); }

  /// Throws `error` if there is no such text.
  const std::string& text(const std::string& name) const {
    const auto found = values.find(name);
    if (found == values.end()) { fail("a checkpoint without \"" + name + "\""); }
    return found->second;
  }

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

namespace detail {

inline constexpr std::string_view checkpoint_format = "segx checkpoint 2";

/// Name in the file and place in the checkpoint: this table alone says which numbers are stored.
struct checkpoint_array {
  const char* name;
  std::vector<float> checkpoint::*member;
};
inline constexpr checkpoint_array checkpoint_arrays[] = {
    {"weights", &checkpoint::weights}, {"optimizer", &checkpoint::optimizer}, {"average", &checkpoint::average}};

}  // namespace detail

/// Writes a checkpoint of a network; a crash at any moment leaves the old file or the new one.
inline void save_checkpoint(const std::filesystem::path& path, const checkpoint& state, std::uint64_t fingerprint) {
  std::vector<tensor_entry> tensors;
  std::map<std::string, std::string> metadata = state.values;
  metadata["format"] = detail::checkpoint_format;
  metadata["fingerprint"] = hex_text(fingerprint);
  for (const auto& [name, member] : detail::checkpoint_arrays) {
    const std::span values{state.*member};
    tensors.push_back({name, dtype::f32, {static_cast<std::int64_t>(values.size())}, std::as_bytes(values)});
    metadata[std::string{"sha256."} + name] = sha256(tensors.back().bytes);
  }
  write_file_atomically(path, make_safetensors(tensors, metadata));
}

/// Reads a checkpoint of the network with this fingerprint. Throws `error`, which names the file.
inline checkpoint load_checkpoint(const std::filesystem::path& path, std::uint64_t fingerprint) {
  const std::vector<std::byte> bytes = read_file(path);
  safetensors_view file;
  if (const std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { fail(path.string() + ": " + wrong); }
  if (file.metadata["format"] != detail::checkpoint_format) {
    fail(path.string() + ": not a checkpoint of segx, or one of another version; this one reads \"" +
         std::string{detail::checkpoint_format} + "\"");
  }
  if (file.metadata["fingerprint"] != hex_text(fingerprint)) {
    fail(path.string() + ": a checkpoint of another network: expected the fingerprint " + hex_text(fingerprint) +
         ", found " + file.metadata["fingerprint"]);
  }
  checkpoint state;
  for (const auto& [name, member] : detail::checkpoint_arrays) {
    std::vector<float>& to = state.*member;
    const tensor_entry* entry = file.find(name);
    if (entry == nullptr || sha256(entry->bytes) != file.metadata[std::string{"sha256."} + name]) {
      fail(path.string() + ": damaged, the " + name + " are not those that were written");
    }
    to.resize(entry->bytes.size() / sizeof(float));
    if (const std::string wrong = to_float32(*entry, to); !wrong.empty()) { fail(path.string() + ": " + wrong); }
  }
  state.values = std::move(file.metadata);
  return state;
}

}  // namespace segx
