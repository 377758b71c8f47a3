#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/safetensors.hpp>
#include <segx/runtime/weights.hpp>

// The arrays of an encoder within a network, and their values from tensors of other libraries' files.

namespace segx::detail {

/// An array of an encoder: where it is, and what torchvision calls it.
struct encoder_array {
  weight_array<float> of;
  std::string name;
  double epsilon = 0;    // of the normalisation that it belongs to
  bool is_gray = false;  // of the first convolution of a network of gray images

  bool may_be_missing() const { return name.starts_with("classifier") || name.starts_with("fc."); }

  /// Its values from a tensor. Throws `error`.
  std::vector<float> values_of(const tensor_entry& entry, bool channels_last) const;
};

/// The arrays of a network below the name `part`.
template <class Network>
std::vector<encoder_array> encoder_arrays(weights<Network>& of, const std::string& part) {
  const std::string prefix = part.empty() ? "" : joined({part, "."});
  std::vector<encoder_array> result;
  for (weight_array<float>& array : of.arrays()) {
    if (!array.name.starts_with(prefix)) { continue; }
    result.push_back({array, array.name.substr(prefix.size())});
  }
  if (!result.empty()) { result.front().is_gray = of.network().channels == 1; }
  for (const auto& node : of.network().nodes()) {
    for (const attribute& a : node.attributes) {
      if (!node.facts.normalises || a.name != "epsilon") { continue; }
      for (encoder_array& array : result) {
        for (int p = 0; p < node.parameter_count; ++p) {
          if (array.of.place == node.places[p]) { array.epsilon = a.value; }
        }
      }
    }
  }
  return result;
}

}  // namespace segx::detail

#ifndef SEGX_COMPILED
#include <segx/io/impl/encoder_arrays.hpp>
#endif
