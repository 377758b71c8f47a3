// A network of the browser demo behind a few C functions; which one is in networks/<name>/network.hpp. No files, no
// network, no exceptions: what can go wrong with what a user gives returns a sentence, "" means done. Texts live until
// the next call of the same function. All calls come from one thread; in the build of several, others only call
// segx_enlist and segx_help.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <segx/image/gray.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/image/resample.hpp>
#include <segx/io/json_text.hpp>
#include <segx/io/weight_format.hpp>
#include <segx/runtime/session.hpp>

#include "network.hpp"

namespace {

using page::height;
using page::network;
using page::width;
using lungs = network::at<height, width>;
constexpr int channels = network::channels;
static_assert(network::classes == 1);

/// What one weight file makes.
struct segmenter {
  segx::model_card card;
  float threshold;
  segx::normalisation normalise;
  segx::session<lungs> session;
  xt::xtensor<float, 4> image = xt::xtensor<float, 4>::from_shape({1, channels, height, width});
  xt::xtensor<float, 4> probability = xt::xtensor<float, 4>::from_shape({1, 1, height, width});
};

std::unique_ptr<segmenter> loaded;

std::span<float> pixels_of(xt::xtensor<float, 4>& tensor) { return {tensor.data(), tensor.size()}; }

std::string load(std::span<const std::byte> file, const char* sha256) {
  segx::loaded_weights<network> weights;
  if (std::string wrong = segx::decode_weights(file, weights, sha256); !wrong.empty()) { return wrong; }
  const segx::model_card& card = weights.card;
  if (card.height != height || card.width != width) {
    return "these weights were trained on images of " + std::to_string(card.height) + "x" + std::to_string(card.width) +
           ", this page computes at " + std::to_string(height) + "x" + std::to_string(width);
  }
  char* end = nullptr;
  const float threshold = std::strtof(card.threshold.c_str(), &end);
  if (*end != '\0' || !(threshold > 0 && threshold < 1)) {
    return "the threshold is \"" + card.threshold + "\", expected a number between 0 and 1";
  }
  const std::optional<segx::normalisation> normalise = segx::find_normalisation(card.normalisation);
  if (!normalise) { return "the normalisation \"" + card.normalisation + "\" is not known"; }
  if (loaded) {  // its memory is used again
    loaded->session.set_weights(weights.values);
    loaded->card = card;
    loaded->threshold = threshold;
    loaded->normalise = *normalise;
  } else {
    loaded.reset(new segmenter{card, threshold, *normalise, segx::session<lungs>{weights.values, {.threads = 0}}});
  }
  return "";
}

}  // namespace

#define SEGX_EXPORT(name) extern "C" __attribute__((export_name(#name)))

/// Loads a weight file. `sha256`: hexadecimal digits of the sum of all behind its header, or "", then it is computed
/// here. If loading fails, the weights that were loaded before stay.
SEGX_EXPORT(segx_load) const char* segx_load(const std::byte* file, std::size_t size, const char* sha256) {
  static std::string wrong;
  wrong = load({file, size}, sha256);
  return wrong.c_str();
}

/// The loaded weights' card as JSON, with `parameters`, `macs` (multiply-adds of one image) and the `fingerprint`. Only
/// after segx_load.
SEGX_EXPORT(segx_card) const char* segx_card() {
  static std::string text;
  const auto number = [](std::int64_t value) { return std::to_string(value); };
  text = "{\"height\":" + number(loaded->card.height) + ",\"width\":" + number(loaded->card.width) +
         ",\"channels\":" + number(channels) + ",\"parameters\":" + number(network::parameter_count) +
         ",\"macs\":" + number(lungs::macs) + ",\"fingerprint\":\"" + segx::hex_text(network::fingerprint) + "\"";
  for (const auto& [name, member] : segx::detail::card_fields) {
    text += "," + segx::detail::json_text(name) + ":" + segx::detail::json_text(loaded->card.*member);
  }
  text += "}";
  return text.c_str();
}

/// Bytes that the network holds to predict: activations, scratch memory and packed weights. Only after segx_load.
SEGX_EXPORT(segx_bytes) std::size_t segx_bytes() { return loaded->session.bytes(); }

/// Values in [0,1] as segx's own tools read them from a file, from an image as browsers give it. C is the network's
/// `channels`: 1, gray, or 3, red, green and blue.
///
///   rgba [rows,columns,4], alpha is ignored    image [C,rows,columns]
SEGX_EXPORT(segx_read) void segx_read(const std::uint8_t* rgba, int rows, int columns, float* image) {
  const std::size_t pixels = static_cast<std::size_t>(rows) * columns;
  for (std::size_t i = 0; i < pixels; ++i, rgba += 4) {
    for (int c = 0; c < channels; ++c) {
      const int value = channels == 1 ? segx::gray_of(rgba[0], rgba[1], rgba[2]) : rgba[c];
      image[c * pixels + i] = static_cast<float>(value) / 255.0F;
    }
  }
}

/// Segments an image of any size, which the probabilities replace. Only after segx_load.
///
///   image, in: [C,rows,columns] in [0,1], out: [rows,columns], probabilities    mask [rows,columns], 0 or 255
SEGX_EXPORT(segx_segment) void segx_segment(float* image, int rows, int columns, std::uint8_t* mask) {
  const std::size_t pixels = static_cast<std::size_t>(rows) * columns;
  constexpr std::size_t plane = std::size_t{height} * width;
  for (int c = 0; c < channels; ++c) {
    const std::span<float> values = pixels_of(loaded->image).subspan(c * plane, plane);
    segx::resize({image + c * pixels, pixels}, rows, columns, values, height, width);
    for (float& value : values) { value = loaded->normalise(value, c); }
  }
  loaded->session.predict(loaded->image, loaded->probability);
  segx::resize(pixels_of(loaded->probability), height, width, {image, pixels}, rows, columns);
  for (std::size_t i = 0; i < pixels; ++i) { mask[i] = image[i] > loaded->threshold ? 255 : 0; }
}

#ifdef __wasm_atomics__
/// Counts the calling thread among those that share the work; to be done before segx_load. Returns its number.
SEGX_EXPORT(segx_enlist) int segx_enlist() { return segx::thread_pool::enlist(); }

/// Works whenever there is work; never returns.
SEGX_EXPORT(segx_help) void segx_help(int number) { segx::thread_pool::help(number); }
#endif
