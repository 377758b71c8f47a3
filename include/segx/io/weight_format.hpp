#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/checksum.hpp>
#include <segx/io/safetensors.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/weights.hpp>

// What a weight file holds, to and from bytes. No files and, for reading, no exceptions: a browser reads it, too.

namespace segx {

/// What a weight file says of itself, for people and programs. Kept as text in the file's metadata.
struct model_card {
  std::string model{};                                 // the network's name: "unet16"
  int height = 0, width = 0;                           // of the images it was trained on, pixels
  std::string classes = "foreground";                  // of the output channels, separated by commas
  std::string labels{};                                // what they mean: binary, exclusive or overlapping
  std::string normalisation = "gray values to [0,1]";  // of the images that it takes
  std::string resizing = "area average or bilinear";   // how images come to its size; aspect is not kept
  std::string threshold = "0.5";                       // of the probability, for a mask
  std::string trained_on{}, licence{};                 // the data and their terms; the terms of the weights
  std::string recipe{}, recipe_sha256{};               // how it was trained, as JSON, and its checksum
  std::string images_sha256{};                         // of the names and lengths of the files trained on
  std::string pretrained_sha256{};                     // of the weight file that it began with, if there was one
  std::string metrics{};                               // of the validation, as JSON
};

/// A file's weights and card.
template <class Network>
struct loaded_weights {
  weights<Network> values;
  model_card card;
};

namespace detail {

inline constexpr std::string_view weight_format = "segx weights 1";

/// Name of the checksum over all other texts of the metadata; files of before it have none.
inline constexpr const char* checksum_of_card = "card_sha256";

/// Name in the metadata and place in the card: this table alone says what is stored.
struct card_field {
  const char* name;
  std::string model_card::*member;
};
inline constexpr card_field card_fields[] = {{"model", &model_card::model},
                                             {"classes", &model_card::classes},
                                             {"labels", &model_card::labels},
                                             {"normalisation", &model_card::normalisation},
                                             {"resizing", &model_card::resizing},
                                             {"threshold", &model_card::threshold},
                                             {"trained_on", &model_card::trained_on},
                                             {"recipe", &model_card::recipe},
                                             {"recipe_sha256", &model_card::recipe_sha256},
                                             {"images_sha256", &model_card::images_sha256},
                                             {"pretrained_sha256", &model_card::pretrained_sha256},
                                             {"metrics", &model_card::metrics},
                                             {"licence", &model_card::licence}};

/// Height and width of the self-test's image: the smallest square, from 64 on, that the network takes; 0: there is
/// none.
template <class Network>
constexpr int find_self_test_extent(const Network& network) {
  for (int extent = 64; extent <= 1024; ++extent) {
    if (!network.defect_at(extent, extent)) { return extent; }
  }
  return 0;
}
template <class Network>
int self_test_extent(const Network& network) {
  if constexpr (std::is_empty_v<Network>) {  // a constant, so that browsers need not find it
    constexpr int extent = find_self_test_extent(Network{});
    return extent;
  } else {
    return find_self_test_extent(network);
  }
}

/// The image of the self-test: a square, or for a network that takes no small one, as large as its card says.
template <class Network>
shape self_test_shape(const Network& network, const model_card& card) {
  const int extent = self_test_extent(network);
  return extent > 0 ? shape{network.channels, extent, extent} : shape{network.channels, card.height, card.width};
}

/// Why nobody could use weights with this card; "" where that is well. `classes`: those that it must name, 0: none.
std::string fault_of(const model_card& card, int classes);

/// The session of the self-test, planned when it runs: constants of one more size would cost everybody's compiler time.
/// Loading a file must not take more memory than using it.
template <class Network>
using self_test_session = session<Network, frugal<cpu>>;

/// The same image everywhere: noise in [0,1), by place.
xt::xtensor<float, 4> self_test_image(shape extents);

std::span<const std::byte> bytes_of(const xt::xtensor<float, 4>& tensor);

bool are_finite(std::span<const float> values);

/// The checksum that stands in the metadata: of all tensors' bytes in the order of the file.
std::string checksum_of(std::span<const tensor_entry> tensors);

/// What is wrong with a tensor of these extents; "" if they are those expected.
std::string fault_of_extents(std::string_view tensor, const std::vector<std::int64_t>& expected,
                             const std::vector<std::int64_t>& found);

/// What is wrong with a file by the checksums in its metadata, of the tensors and of the card; "" if nothing is, or if
/// there are none. `known_sha256`: of the tensors, where somebody has it already.
std::string damage_of(const safetensors_view& file, std::string_view known_sha256 = {});

}  // namespace detail

/// The bytes of a weight file: the learnables by name, the card, the network's architecture and fingerprint, a
/// checksum, and a self-test (an image and the logits that these weights give for it). `half` stores 16-bit floats, in
/// half the space. Throws `error` for what no reader would take: weights or logits that are not finite, a card without
/// the size of images or with other classes than the network's.
template <class Network>
std::vector<std::byte> encode_weights(const weights<Network>& w, const model_card& card, bool half = false) {
  const Network& network = w.network();
  const activation head = network.nodes().back().head;  // what segments ends in one
  const int classes = head == activation::none ? 0 : network.classes;
  if (const std::string fault = detail::fault_of(card, classes); !fault.empty()) { fail(fault); }
  expect_size(network, card.height, card.width);
  weights<Network> stored = w;  // as a reader will see them
  std::vector<std::vector<std::byte>> halves;
  std::vector<tensor_entry> tensors;
  for (const auto& array : stored.arrays()) {
    std::span<const std::byte> bytes = std::as_bytes(array.values);
    if (half) {
      bytes = halves.emplace_back(to_float16(array.values));
      const tensor_entry as_half{array.name, dtype::f16, array.extents, bytes};
      if (const std::string wrong = to_float32(as_half, array.values); !wrong.empty()) { fail(wrong); }
    }
    if (!detail::are_finite(array.values)) {
      fail({"tensor \"", array.name, "\" holds values that are not finite", half ? " as 16-bit floats" : ""});
    }
    tensors.push_back({array.name, half ? dtype::f16 : dtype::f32, array.extents, bytes});
  }

  const shape tested = detail::self_test_shape(network, card);
  const auto image = detail::self_test_image(tested);
  const auto logits = detail::self_test_session<Network>{stored, tested.height, tested.width}.logits(image);
  if (!detail::are_finite({logits.data(), logits.size()})) {
    fail(
        "these weights give logits that are not finite for the image of the self-test, so nobody could read a file "
        "of them; lower the learning rate of their training");
  }
  for (const auto& [name, tensor] : {std::pair{"self_test.image", &image}, std::pair{"self_test.logits", &logits}}) {
    tensors.push_back({name, dtype::f32, {tensor->shape().begin(), tensor->shape().end()}, detail::bytes_of(*tensor)});
  }

  std::map<std::string, std::string> metadata{{"format", std::string{detail::weight_format}},
                                              {"fingerprint", hex_text(network.fingerprint)},
                                              {"architecture", architecture_text(network.nodes())},
                                              {"parameters", std::to_string(network.parameter_count)},
                                              {"height", std::to_string(card.height)},
                                              {"width", std::to_string(card.width)},
                                              {"sha256", detail::checksum_of(tensors)}};
  // As it will be read, of which the checksum is.
  for (const auto& [name, member] : detail::card_fields) { metadata[name] = detail::as_utf8(card.*member); }
  metadata[detail::checksum_of_card] = sha256_of_texts(metadata, detail::checksum_of_card);
  return make_safetensors(tensors, metadata);
}

/// The card of a weight file of any network, without its weights; "" when it could be read.
[[nodiscard]] std::string decode_card(const safetensors_view& file, model_card& out);

namespace detail {

/// What a weight file promises: the logits that its weights give for an image.
struct self_test {
  xt::xtensor<float, 4> image;
  std::vector<std::int64_t> extents;  // of the logits, as the file says
  std::vector<float> logits;
};

/// Reads a weight file from its bytes into `out`, the weights of a network that it must be of, and checks all but the
/// self-test. "" when all is well, else what is wrong; then `out` may hold some of the file.
template <class Network>
[[nodiscard]] std::string read_weights(std::span<const std::byte> bytes, loaded_weights<Network>& out, self_test& test,
                                       std::string_view known_sha256 = {}) {
  const Network& network = out.values.network();
  safetensors_view file;
  if (std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { return wrong; }
  if (std::string wrong = decode_card(file, out.card); !wrong.empty()) { return wrong; }

  const std::string expected = hex_text(network.fingerprint);
  if (const std::string found = file.metadata["fingerprint"]; found != expected) {
    return joined({"these are weights of another network (\"", out.card.model, "\"): expected the fingerprint ",
                   expected, ", found ", found.empty() ? "none" : found});
  }

  const auto arrays = out.values.arrays();
  const std::size_t tensor_count = arrays.size() + 2;  // and the self-test
  if (file.tensors.size() != tensor_count) {
    return joined({"expected ", tensor_count, " tensors, found ", file.tensors.size()});
  }
  const auto require = [&](const std::string& name, const std::vector<std::int64_t>& extents, std::span<float> to) {
    const tensor_entry* entry = file.find(name);
    if (entry == nullptr) { return joined({"the tensor \"", name, "\" is missing"}); }
    if (std::string wrong = fault_of_extents(name, extents, entry->extents); !wrong.empty()) { return wrong; }
    if (std::string wrong = to_float32(*entry, to); !wrong.empty()) { return wrong; }
    return are_finite(to) ? std::string{} : joined({"tensor \"", name, "\" holds values that are not finite"});
  };
  for (const auto& array : arrays) {
    if (std::string wrong = require(array.name, array.extents, array.values); !wrong.empty()) { return wrong; }
  }
  if (!file.metadata.contains("sha256")) { return "the file has no checksum of its tensors"; }
  if (std::string wrong = damage_of(file, known_sha256); !wrong.empty()) { return wrong; }

  const shape tested = self_test_shape(network, out.card);
  if (network.defect_at(tested.height, tested.width)) {
    return joined({"the network takes no images of ", tested.height, "x", tested.width, ", which the card names"});
  }
  test.image = self_test_image(tested);
  const std::vector<std::int64_t> extents(test.image.shape().begin(), test.image.shape().end());
  if (std::string wrong = require("self_test.image", extents, {test.image.data(), test.image.size()}); !wrong.empty()) {
    return wrong;
  }
  if (const tensor_entry* promised = file.find("self_test.logits")) {
    test.extents = promised->extents;
    test.logits.resize(promised->bytes.size() / size_of(promised->type));
  }
  return require("self_test.logits", test.extents, test.logits);
}

/// What is wrong with the self-test of these weights; "" if they give the logits that the file says.
template <class Network>
[[nodiscard]] std::string failure_of(const self_test& test, const weights<Network>& values) {
  const auto height = static_cast<int>(test.image.shape()[2]);
  const auto width = static_cast<int>(test.image.shape()[3]);
  const auto logits = self_test_session<Network>{values, height, width}.logits(test.image);
  const std::vector<std::int64_t> extents(logits.shape().begin(), logits.shape().end());
  if (std::string wrong = fault_of_extents("self_test.logits", extents, test.extents); !wrong.empty()) { return wrong; }
  if (!are_finite({logits.data(), logits.size()})) {
    return "the self-test fails: logits are not finite, where those in the file are";
  }
  float largest = 1;
  float difference = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    largest = std::max(largest, std::abs(test.logits[i]));
    difference = std::max(difference, std::abs(test.logits[i] - logits.data()[i]));
  }
  if (difference > 1e-3F * largest) {
    return joined({"the self-test fails: logits differ by ", difference,
                   " from those in the file, the largest of which is ", largest});
  }
  return "";
}

}  // namespace detail

/// Reads a weight file from its bytes and checks all of it before `out` changes: format, fingerprint, names and extents
/// of every tensor, checksum, values, and the self-test. "" when all is well, else one sentence that says what is
/// wrong. Who knows the SHA-256 of all that stands behind the header already (browsers compute it ten times as fast)
/// says it: 64 hexadecimal digits.
template <class Network>
[[nodiscard]] std::string decode_weights(std::span<const std::byte> bytes, loaded_weights<Network>& out,
                                         std::string_view known_sha256 = {}) {
  loaded_weights<Network> result{weights<Network>{out.values.network()}, {}};
  detail::self_test test;
  if (std::string wrong = detail::read_weights(bytes, result, test, known_sha256); !wrong.empty()) { return wrong; }
  if (std::string wrong = detail::failure_of(test, result.values); !wrong.empty()) { return wrong; }
  out = std::move(result);
  return "";
}

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/io/impl/weight_format.hpp>
#endif
