#pragma once

#include <string>
#include <vector>

#include <segx/io/atomic_file.hpp>
#include <segx/io/import_encoder.hpp>
#include <segx/io/weight_format.hpp>
#include <segx/runtime/weights.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// What a training begins with: weights drawn by the seed, and those of `recipe::pretrained` for the encoder. Throws
/// `error`, which names the file.
template <class Network>
weights<Network> first_weights(const recipe& r, const Network& network) {
  weights<Network> result = weights<Network>::random(r.seed, network);
  if (r.pretrained.empty()) { return result; }
  const std::vector<std::byte> bytes = read_file(r.pretrained);
  safetensors_view file;
  model_card card;
  std::string wrong = parse_safetensors(bytes, file);
  if (wrong.empty()) { wrong = decode_card(file, card); }
  if (wrong.empty()) {
    try {
      import_encoder(file, card.model, result, "encoder");
    } catch (const error& e) { wrong = e.what(); }
  }
  if (!wrong.empty()) { fail(r.pretrained + ": " + wrong); }
  return result;
}

}  // namespace segx
