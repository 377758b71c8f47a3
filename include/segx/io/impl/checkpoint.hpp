#pragma once

#include <span>
#include <string_view>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/checkpoint.hpp>

namespace segx {

SEGX_IMPL_COLD const std::string& checkpoint::text(const std::string& name) const {
  const auto found = values.find(name);
  if (found == values.end()) { fail({"a checkpoint without \"", name, "\""}); }
  return found->second;
}

namespace detail {

inline constexpr std::string_view checkpoint_format = "segx checkpoint 2";

/// Name in the file and place in the checkpoint: this table alone says which numbers are stored.
struct checkpoint_array {
  const char* name;
  std::vector<float> checkpoint::*member;
};

inline constexpr checkpoint_array checkpoint_arrays[] = {
    {"weights", &checkpoint::weights}, {"optimizer", &checkpoint::optimizer}, {"average", &checkpoint::average}};

/// The checksum over all other texts of the file.
inline constexpr const char* checksum_of_values = "sha256.values";

}  // namespace detail

SEGX_IMPL_COLD void save_checkpoint(const std::filesystem::path& path, const checkpoint& state,
                                    std::uint64_t fingerprint) {
  std::vector<tensor_entry> tensors;
  std::map<std::string, std::string> metadata = state.values;
  metadata["format"] = detail::checkpoint_format;
  metadata["fingerprint"] = hex_text(fingerprint);
  for (const auto& [name, member] : detail::checkpoint_arrays) {
    const std::span values{state.*member};
    tensors.push_back({name, dtype::f32, {static_cast<std::int64_t>(values.size())}, std::as_bytes(values)});
    metadata[joined({"sha256.", name})] = sha256(tensors.back().bytes);
  }
  for (auto& [name, text] : metadata) { text = detail::as_utf8(text); }  // as it is written, and read again
  metadata[detail::checksum_of_values] = sha256_of_texts(metadata, detail::checksum_of_values);
  const std::vector<std::byte> header = safetensors_header(tensors, metadata);
  std::vector<std::span<const std::byte>> pieces{header};
  for (const tensor_entry& tensor : tensors) { pieces.push_back(tensor.bytes); }
  write_file_atomically(path, pieces);
}

SEGX_IMPL_COLD checkpoint load_checkpoint(const std::filesystem::path& path, std::uint64_t fingerprint,
                                          const std::function<void(const checkpoint&)>& expect) {
  const std::vector<std::byte> bytes = read_file(path);
  safetensors_view file;
  if (const std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { fail({path.string(), ": ", wrong}); }
  if (file.metadata["format"] != detail::checkpoint_format) {
    fail({path.string(), ": not a checkpoint of segx, or one of another version; this one reads \"",
          detail::checkpoint_format, "\""});
  }
  if (file.metadata[detail::checksum_of_values] != sha256_of_texts(file.metadata, detail::checksum_of_values)) {
    fail({path.string(), ": damaged, or made by an older segx: the counters are not those that were written"});
  }
  checkpoint state;
  state.values = file.metadata;
  if (expect) { expect(state); }
  if (file.metadata["fingerprint"] != hex_text(fingerprint)) {
    fail({path.string(), ": a checkpoint of another network: expected the fingerprint ", hex_text(fingerprint),
          ", found ", file.metadata["fingerprint"]});
  }
  for (const auto& [name, member] : detail::checkpoint_arrays) {
    std::vector<float>& to = state.*member;
    const tensor_entry* entry = file.find(name);
    if (entry == nullptr || sha256(entry->bytes) != file.metadata[joined({"sha256.", name})]) {
      fail({path.string(), ": damaged, the values of \"", name, "\" are not those that were written"});
    }
    to.resize(entry->bytes.size() / sizeof(float));
    if (const std::string wrong = to_float32(*entry, to); !wrong.empty()) { fail({path.string(), ": ", wrong}); }
  }
  return state;
}

}  // namespace segx
