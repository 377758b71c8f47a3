#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
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
  const std::string& text(const std::string& name) const;

  /// Throws `error` if there is no such number.
  template <class Number>
  Number get(const std::string& name) const {
    const auto found = values.find(name);
    const auto number = found == values.end() ? std::nullopt : number_of<Number>(found->second);
    if (!number) { fail({"a checkpoint without the number \"", name, "\""}); }
    return *number;
  }
};

/// Values that a training holds beside its own while it writes: those of the checkpoint, or its weights and their file.
constexpr std::int64_t values_while_writing(std::int64_t weights, std::int64_t optimizer, bool averages) {
  return std::max((averages ? 2 : 1) * weights + optimizer, 2 * weights);
}

/// Writes a checkpoint of a network; a crash at any moment leaves the old file or the new one.
void save_checkpoint(const std::filesystem::path& path, const checkpoint& state, std::uint64_t fingerprint);

/// Reads a checkpoint of the network with this fingerprint. Throws `error`, which names the file. `expect`, which may
/// throw what else is wrong, is shown the counters and settings before the fingerprints are compared: it can say more.
checkpoint load_checkpoint(const std::filesystem::path& path, std::uint64_t fingerprint,
                           const std::function<void(const checkpoint&)>& expect = {});

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/io/impl/checkpoint.hpp>
#endif
