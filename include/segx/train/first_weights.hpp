#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <segx/io/atomic_file.hpp>
#include <segx/io/encoder_arrays.hpp>
#include <segx/io/weight_format.hpp>
#include <segx/runtime/weights.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// What a training begins with: weights drawn by the seed, and those of `recipe::pretrained`, a weight file of segx for
/// the encoder's classifier, for the encoder. Throws `error`, which names the file.
template <class Network>
weights<Network> first_weights(const recipe& r, const Network& network) {
  weights<Network> result = weights<Network>::random(r.seed, network);
  if (r.pretrained.empty()) { return result; }
  const std::vector<std::byte> bytes = read_file(r.pretrained);
  safetensors_view file;
  if (const std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { fail(r.pretrained + ": " + wrong); }
  int filled = 0;
  for (const detail::encoder_array& array : detail::encoder_arrays(result, "encoder")) {
    const tensor_entry* entry = file.find(array.name);
    if (entry == nullptr) { fail(r.pretrained + ": the tensor \"" + array.name + "\" of the encoder is missing"); }
    const std::vector<float> values = array.values_of(*entry, false);
    std::copy(values.begin(), values.end(), array.of.values.begin());
    ++filled;
  }
  if (filled == 0) { fail("the network \"" + r.model + "\" has no encoder for the weights of " + r.pretrained); }
  return result;
}

}  // namespace segx
