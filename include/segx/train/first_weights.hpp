#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/encoder_arrays.hpp>
#include <segx/io/weight_format.hpp>
#include <segx/runtime/weights.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

namespace detail {

/// Places of the parameters of the last layer that has any: what is the network's own where another had other classes.
template <class Network>
std::int64_t first_place_of_head(const Network& network) {
  std::int64_t place = 0;
  for (const auto& node : network.nodes()) {
    if (node.parameter_count > 0) { place = node.places[0]; }
  }
  return place;
}

inline bool has_other_classes(const tensor_entry& entry, const std::vector<std::int64_t>& extents) {
  return entry.extents.size() == extents.size() && entry.extents[0] != extents[0] &&
         std::equal(entry.extents.begin() + 1, entry.extents.end(), extents.begin() + 1, extents.end());
}

/// What the layers of an `architecture_text` are, by their names: "conv2d(kernel 3, padding 1)".
inline std::map<std::string, std::string, std::less<>> layers_in(std::string_view architecture) {
  std::map<std::string, std::string, std::less<>> layers;
  std::size_t end = 0;
  for (std::size_t begin = 0; (end = architecture.find('\n', begin)) != architecture.npos; begin = end + 1) {
    const std::string_view line = architecture.substr(begin, end - begin);
    const std::size_t name = line.find(' ') + 1, layer = line.find(": "), inputs = line.find(" of ");
    if (name == 0 || layer == line.npos || inputs == line.npos || layer < name || inputs < layer) { continue; }
    layers.emplace(line.substr(name, layer - name), line.substr(layer + 2, inputs - layer - 2));
  }
  return layers;
}

/// Throws `error` where a layer below the name `part` is another there: weights of the same extents that were trained
/// with other paddings or strides give another network.
template <class Network>
void expect_same_layers(const safetensors_view& file, const Network& network, const std::string& part) {
  const auto architecture = file.metadata.find("architecture");
  if (architecture == file.metadata.end()) { return; }
  const auto layers = layers_in(architecture->second);
  const std::string prefix = part.empty() ? "" : joined({part, "."});
  for (const auto& node : network.nodes()) {
    std::string_view name = node.name.view();
    if (node.parameter_count == 0 || !name.starts_with(prefix)) { continue; }
    name.remove_prefix(prefix.size());
    const auto there = layers.find(name);
    if (there != layers.end() && there->second != layer_text(node)) {
      fail({"the layer \"", name, "\" is ", there->second, " there, and here ", layer_text(node)});
    }
  }
}

/// Fills the arrays below the name `part` with the file's, which are called as there, without it. Arrays of the head
/// keep their values where the file's are for other classes. Throws `error`.
template <class Network>
void fill_from(const safetensors_view& file, weights<Network>& to, const std::string& part) {
  const std::int64_t head = first_place_of_head(to.network());
  const std::vector<encoder_array> arrays = encoder_arrays(to, part);
  if (arrays.empty()) { fail("the first tensors differ, and it has no encoder that could be theirs"); }
  for (const encoder_array& array : arrays) {
    const tensor_entry* entry = file.find(array.name);
    if (entry == nullptr) { fail({"the tensor \"", array.name, "\" is missing"}); }
    const bool is_head = array.of.place >= head && array.of.place < to.network().parameter_count;
    if (part.empty() && is_head && has_other_classes(*entry, array.of.extents)) { continue; }
    const std::vector<float> values = array.values_of(*entry, false);
    std::copy(values.begin(), values.end(), array.of.values.begin());
  }
}

}  // namespace detail

/// What a training begins with: weights drawn by the seed, and in place of them what `recipe::pretrained` has, a weight
/// file of segx: of the same network, perhaps with other classes, or of the encoder's classifier, for the encoder.
/// Throws `error`, which names the file.
template <class Network>
weights<Network> first_weights(const recipe& r, const Network& network) {
  weights<Network> result = weights<Network>::random(r.seed, network);
  if (r.pretrained.empty()) { return result; }
  const std::vector<std::byte> bytes = read_file(r.pretrained);
  safetensors_view file;
  std::string wrong = parse_safetensors(bytes, file);
  if (wrong.empty()) { wrong = detail::damage_of(file); }
  if (wrong.empty()) {
    try {
      const bool is_whole = file.find(result.arrays().front().name) != nullptr;
      const std::string part = is_whole ? "" : "encoder";
      detail::expect_same_layers(file, network, part);
      detail::fill_from(file, result, part);
      if (!detail::are_finite(result.values())) { fail("values are not finite"); }
    } catch (const error& e) {
      const auto model = file.metadata.find("model");
      const bool is_told = model != file.metadata.end() && !model->second.empty();
      const std::string of = is_told ? joined({" of ", model->second}) : "";
      wrong = joined({"holds weights", of, ", with which this network cannot begin: ", e.what()});
    }
  }
  if (!wrong.empty()) { fail({r.pretrained, ": ", wrong}); }
  return result;
}

}  // namespace segx
