#include <catch2/catch.hpp>

#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <segx/io/half.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/layers/adaptive_avg_pool2d.hpp>
#include <segx/layers/add.hpp>
#include <segx/models/unet.hpp>

#include "temporary_folder.hpp"

using namespace segx;
using Catch::Matchers::Contains;

namespace {

struct tiny : network<input<1>, chain<named<"stem", conv3x3<8>>, relu, named<"head", conv1x1<1>>, sigmoid>> {};
struct other : network<input<1>, chain<named<"stem", conv3x3<8>>, sigmoid, named<"head", conv1x1<1>>, sigmoid>> {};

model_card card_of_tiny() {
  model_card card;
  card.model = "tiny";
  card.height = 256;
  card.width = 128;
  card.trained_on = "phantoms, \"seed 1\"\nand a second line: π";
  card.metrics = R"({"iou_mean": 0.93})";
  card.licence = "CC0";
  return card;
}

using bytes = std::vector<std::byte>;

bytes tiny_file(bool half = false) { return encode_weights(weights<tiny>::random(1), card_of_tiny(), half); }

/// A weight file taken apart, to be put together again in a wrong way.
struct parts {
  std::vector<tensor_entry> tensors;
  std::map<std::string, std::string> metadata;
  std::vector<bytes> owned;  // bytes of tensors that were changed

  tensor_entry& tensor(const std::string& name) {
    for (tensor_entry& entry : tensors) {
      if (entry.name == name) { return entry; }
    }
    throw std::logic_error{"no tensor " + name};
  }
  void set_bytes(const std::string& name, bytes values) {
    owned.push_back(std::move(values));
    tensor(name).bytes = owned.back();
  }
  void set_value(const std::string& name, std::size_t index, float value) {
    bytes values(tensor(name).bytes.begin(), tensor(name).bytes.end());
    std::memcpy(values.data() + index * sizeof value, &value, sizeof value);
    set_bytes(name, std::move(values));
  }
  void remove(const std::string& name) {
    std::erase_if(tensors, [&](const tensor_entry& entry) { return entry.name == name; });
  }
  void make_checksum_fit() {
    metadata["sha256"] = detail::checksum_of(tensors);
    metadata["card_sha256"] = sha256_of_texts(metadata, "card_sha256");
  }
};

/// What decode_weights says of these bytes. If it refuses them, it must not have touched the target.
template <class Network = tiny>
std::string refusal_of(const bytes& file) {
  loaded_weights<Network> target;
  std::fill(target.values.values().begin(), target.values.values().end(), 42.0F);
  target.card.model = "before";
  const std::string wrong = decode_weights<Network>(file, target);
  if (!wrong.empty()) {
    const auto values = std::as_const(target.values).values();
    CHECK(std::count(values.begin(), values.end(), 42.0F) == static_cast<std::ptrdiff_t>(values.size()));
    CHECK(target.card.model == "before");
  }
  return wrong;
}

std::string refusal_after(const std::function<void(parts&)>& spoil) {
  static const bytes sound = tiny_file();
  safetensors_view view;
  REQUIRE(parse_safetensors(sound, view).empty());
  parts p{view.tensors, view.metadata, {}};
  spoil(p);
  return refusal_of(make_safetensors(p.tensors, p.metadata));
}

}  // namespace

TEST_CASE("weights come back as they were written, with their card", "[io]") {
  const auto w = weights<tiny>::random(1);
  loaded_weights<tiny> found;
  REQUIRE(decode_weights<tiny>(tiny_file(), found) == "");
  CHECK(std::equal(w.values().begin(), w.values().end(), found.values.values().begin()));
  const model_card expected = card_of_tiny();
  for (const auto& [name, member] : detail::card_fields) {
    INFO(name);
    CHECK(found.card.*member == expected.*member);
  }
  CHECK(found.card.height == 256);
  CHECK(found.card.width == 128);
}

TEST_CASE("a card with text that is not UTF-8 can be read again", "[io]") {
  model_card card = card_of_tiny();
  card.trained_on = "images of k\xe9";  // as a folder of older times is called
  loaded_weights<tiny> found;
  REQUIRE(decode_weights<tiny>(encode_weights(weights<tiny>::random(1), card), found) == "");
  CHECK(found.card.trained_on == "images of k\xef\xbf\xbd");
}

TEST_CASE("a checksum that is known already is not computed, but counts", "[io]") {
  const bytes file = tiny_file();
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, file.data(), sizeof header_size);
  const std::string sum = sha256(std::span{file}.subspan(sizeof header_size + header_size));
  loaded_weights<tiny> found;
  CHECK(decode_weights<tiny>(file, found, sum) == "");
  CHECK_THAT(decode_weights<tiny>(file, found, std::string(64, '0')),
             Contains("expected the SHA-256 " + sum + ", found 000"));
}

TEST_CASE("weights of 16 bits come back rounded, in about half the space", "[io]") {
  const auto w = weights<tiny>::random(1);
  loaded_weights<tiny> found;
  REQUIRE(decode_weights<tiny>(tiny_file(true), found) == "");
  for (std::size_t i = 0; i < w.values().size(); ++i) {
    REQUIRE(found.values.values()[i] == half_to_float(float_to_half(w.values()[i])));
  }
  CHECK(tiny_file().size() - tiny_file(true).size() == 2 * w.values().size());
}

TEST_CASE("a weight file is written and read whole", "[io]") {
  const temporary_folder folder;
  const auto w = weights<tiny>::random(1);
  save_weights(folder / "w.safetensors", w, card_of_tiny());
  const auto found = load_weights<tiny>(folder / "w.safetensors");
  CHECK(std::equal(w.values().begin(), w.values().end(), found.values.values().begin()));
  CHECK(read_file(folder / "w.safetensors") == tiny_file());

  cut_file(folder / "w.safetensors", 0.5);
  CHECK_THROWS_WITH(load_weights<tiny>(folder / "w.safetensors"),
                    Contains((folder / "w.safetensors").string() + ": ") && Contains("truncated"));
  CHECK_THROWS_WITH(load_weights<tiny>(folder / "none.safetensors"), Contains((folder / "none.safetensors").string()));
}

TEST_CASE("names, extents and the architecture stand in the file", "[io]") {
  safetensors_view view;
  const bytes file = tiny_file();
  REQUIRE(parse_safetensors(file, view).empty());
  REQUIRE(view.tensors.size() == 6);
  CHECK(view.tensors[0].name == "stem.weight");
  CHECK(view.tensors[0].extents == std::vector<std::int64_t>{8, 1, 3, 3});
  CHECK(view.tensors[3].name == "head.bias");
  CHECK(view.metadata["architecture"] == architecture_text(tiny::nodes()));
  CHECK(view.metadata["fingerprint"] == hex_text(tiny::fingerprint));
  CHECK(view.metadata["parameters"] == std::to_string(tiny::parameter_count));
}

TEST_CASE("a network that takes no power of two can be saved", "[io]") {
  struct thirds : network<input<1>, chain<max_pool2d<3>, conv1x1<1>>> {};
  model_card card = card_of_tiny();
  card.height = card.width = 255;
  loaded_weights<thirds> found;
  CHECK(decode_weights<thirds>(encode_weights(weights<thirds>::random(1), card), found) == "");
}

TEST_CASE("a network that takes images of one size only can be saved", "[io]") {
  struct single : network<input<1>, skip<add, conv3x3<1>, adaptive_avg_pool2d<48, 64>>> {};
  model_card card = card_of_tiny();
  card.height = 48;
  card.width = 64;
  loaded_weights<single> found;
  const bytes file = encode_weights(weights<single>::random(1), card);
  CHECK(decode_weights<single>(file, found) == "");
  CHECK_THROWS_WITH(encode_weights(weights<single>::random(1), card_of_tiny()), Contains("in an image of 256x128"));
}

TEST_CASE("a card without which nobody could read the weights is refused when they are saved", "[io]") {
  const auto w = weights<tiny>::random(1);
  CHECK_THROWS_WITH(encode_weights(w, {.model = "tiny"}), Contains("the height of the images"));
  model_card card = card_of_tiny();
  card.width = 70000;
  CHECK_THROWS_WITH(encode_weights(w, card), Contains("the width of the images"));
  card = card_of_tiny();
  card.classes = "lung,heart";
  CHECK_THROWS_WITH(encode_weights(w, card), Contains("\"lung,heart\" are 2, but the network gives 1"));
}

TEST_CASE("weights that are no numbers, or none of 16 bits, are not written", "[io]") {
  auto w = weights<tiny>::random(1);
  w.arrays()[2].values[3] = 1e6F;
  CHECK_NOTHROW(encode_weights(w, card_of_tiny()));
  CHECK_THROWS_WITH(encode_weights(w, card_of_tiny(), true),
                    "tensor \"head.weight\" holds values that are not finite as 16-bit floats");
  w.arrays()[2].values[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(encode_weights(w, card_of_tiny()), "tensor \"head.weight\" holds values that are not finite");
}

TEST_CASE("weights that nobody could read do not replace a file", "[io]") {
  const temporary_folder folder;
  const auto path = folder / "w.safetensors";
  auto w = weights<tiny>::random(1);
  save_weights(path, w, card_of_tiny());
  for (auto& array : w.arrays()) { std::fill(array.values.begin(), array.values.end(), 1e30F); }  // each one is finite
  CHECK_THROWS_WITH(save_weights(path, w, card_of_tiny()),
                    Contains("these weights give logits that are not finite") && Contains("lower the learning rate"));
  CHECK(read_file(path) == tiny_file());
}

// ---- the corpus of wrong files ----

TEST_CASE("a file of any other length is refused", "[io][corpus]") {
  const bytes sound = tiny_file();
  for (std::size_t size = 0; size < sound.size(); size += size < 16 ? 1 : 61) {
    INFO(size << " of " << sound.size() << " bytes");
    CHECK(refusal_of({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size)}) != "");
  }
  CHECK(refusal_of({sound.begin(), sound.end() - 1}) != "");
  for (const std::size_t more : {1U, 8U, 4096U}) {
    bytes longer = sound;
    longer.resize(sound.size() + more);
    CHECK_THAT(refusal_of(longer), Contains("expected") && Contains("found"));
  }
}

TEST_CASE("a flipped bit is noticed wherever it could change the weights", "[io][corpus]") {
  const bytes sound = tiny_file();
  const auto original = weights<tiny>::random(1);
  std::uint64_t header = 0;
  std::memcpy(&header, sound.data(), sizeof header);
  for (std::size_t at = 0; at < sound.size(); at += at < 8 + header ? 7 : 509) {
    bytes damaged = sound;
    damaged[at] ^= std::byte{1} << (at % 8);
    INFO("byte " << at << " of " << sound.size());
    loaded_weights<tiny> found;
    const std::string wrong = decode_weights<tiny>(damaged, found);
    if (at >= 8 + header) { CHECK(wrong != ""); }
    if (wrong.empty()) {
      CHECK(std::equal(original.values().begin(), original.values().end(), found.values.values().begin()));
    }
  }
}

TEST_CASE("files of something else are refused", "[io][corpus]") {
  const auto text = [](const std::string& s) {
    const auto b = std::as_bytes(std::span{s});
    return bytes{b.begin(), b.end()};
  };
  CHECK_THAT(refusal_of(text("")), Contains("expected at least 8 bytes"));
  CHECK_THAT(refusal_of(text("\x89PNG\r\n\x1a\n and so on")), Contains("not a safetensors file"));
  CHECK_THAT(refusal_of(text("<!DOCTYPE html><html>404</html>")), Contains("not a safetensors file"));
  CHECK_THAT(refusal_of(make_safetensors({}, {{"a", "b"}})), Contains("not a weight file of segx"));
  CHECK_THAT(refusal_of(make_safetensors({}, {{"format", "segx weights 2"}})), Contains("found \"segx weights 2\""));
}

TEST_CASE("weights of another network are refused", "[io][corpus]") {
  const std::string wrong = refusal_of<other>(tiny_file());
  CHECK_THAT(wrong, Contains("another network (\"tiny\")") && Contains(hex_text(other::fingerprint)) &&
                        Contains(hex_text(tiny::fingerprint)));
}

TEST_CASE("a file that does not hold what it should is refused in a sentence", "[io][corpus]") {
  struct spoilt {
    const char* sentence;
    std::function<void(parts&)> spoil;
  };
  const std::vector<spoilt> corpus{
      {"expected 6 tensors, found 5", [](parts& p) { p.remove("head.bias"); }},
      {"expected 6 tensors, found 4", [](parts& p) { p.remove("self_test.image"), p.remove("self_test.logits"); }},
      {"expected 6 tensors, found 7",
       [](parts& p) {
         p.tensors.push_back(p.tensors[0]);
         p.tensors.back().name = "extra";
       }},
      {"the tensor \"stem.bias\" is missing", [](parts& p) { p.tensor("stem.bias").name = "stem.offset"; }},
      {"the tensor \"self_test.logits\" is missing", [](parts& p) { p.tensor("self_test.logits").name = "logits"; }},
      {"tensor \"stem.weight\": expected extents [8,1,3,3], found [8,9]",
       [](parts& p) {
         p.tensor("stem.weight").extents = {8, 9};
       }},
      {"tensor \"head.weight\": expected extents [1,8,1,1], found [8,1,1,1]",
       [](parts& p) {
         p.tensor("head.weight").extents = {8, 1, 1, 1};
       }},
      {"tensor \"self_test.logits\": expected extents [1,1,64,64], found [4096]",
       [](parts& p) { p.tensor("self_test.logits").extents = {64 * 64}; }},
      {"tensor \"stem.bias\": expected F32, F16 or BF16, found I32",
       [](parts& p) { p.tensor("stem.bias").type = dtype::i32; }},
      {"tensor \"stem.weight\" holds values that are not finite",
       [](parts& p) { p.set_value("stem.weight", 5, std::numeric_limits<float>::quiet_NaN()); }},
      {"tensor \"head.bias\" holds values that are not finite",
       [](parts& p) { p.set_value("head.bias", 0, std::numeric_limits<float>::infinity()), p.make_checksum_fit(); }},
      {"tensor \"self_test.image\" holds values that are not finite",
       [](parts& p) {
         p.set_value("self_test.image", 9, std::numeric_limits<float>::quiet_NaN()), p.make_checksum_fit();
       }},
      {"the file is damaged: expected the SHA-256", [](parts& p) { p.set_value("stem.weight", 5, 0.5F); }},
      {"the file is damaged: expected the SHA-256", [](parts& p) { p.metadata["sha256"] = std::string(64, '0'); }},
      {"the file has no checksum of its tensors", [](parts& p) { p.metadata.erase("sha256"); }},
      {"the file's card was changed: expected the SHA-256", [](parts& p) { p.metadata["normalisation"] = "mean 0.9"; }},
      {"the file's card was changed: expected the SHA-256", [](parts& p) { p.metadata["architecture"] += ' '; }},
      {"the file's card was changed: expected the SHA-256", [](parts& p) { p.metadata["height"] = "96"; }},
      {"the file's card was changed: expected the SHA-256", [](parts& p) { p.metadata["card_sha256"] = "0"; }},
      {"the self-test fails: logits differ by",
       [](parts& p) { p.set_value("stem.weight", 5, 3.0F), p.make_checksum_fit(); }},
      {"the self-test fails: logits differ by",
       [](parts& p) { p.set_value("self_test.logits", 100, 30.0F), p.make_checksum_fit(); }},
      {"the self-test fails: logits are not finite",
       [](parts& p) {
         for (std::size_t i = 0; i < 9; ++i) { p.set_value("stem.weight", i, 3e38F); }
         p.make_checksum_fit();
       }},
      {", found none", [](parts& p) { p.metadata.erase("fingerprint"); }},
      {"found 0000000000000000", [](parts& p) { p.metadata["fingerprint"] = std::string(16, '0'); }},
      {"expected a \"height\" between 1 and 65536, found none", [](parts& p) { p.metadata.erase("height"); }},
      {"expected a \"height\" between 1 and 65536, found \"0\"", [](parts& p) { p.metadata["height"] = "0"; }},
      {"expected a \"height\" between 1 and 65536, found \"-256\"", [](parts& p) { p.metadata["height"] = "-256"; }},
      {"expected a \"height\" between 1 and 65536, found \"\"", [](parts& p) { p.metadata["height"] = ""; }},
      {"expected a \"width\" between 1 and 65536, found \"256 px\"", [](parts& p) { p.metadata["width"] = "256 px"; }},
      {"expected a \"width\" between 1 and 65536, found \"99999999999\"",
       [](parts& p) { p.metadata["width"] = "99999999999"; }},
  };
  for (const spoilt& file : corpus) {
    INFO(file.sentence);
    CHECK_THAT(refusal_after(file.spoil), Contains(file.sentence));
  }
  CHECK(refusal_after([](parts&) {}) == "");  // taken apart and put together, nothing is wrong
  CHECK(refusal_after([](parts& p) { p.metadata.erase("card_sha256"); }) == "");  // as older files are
}
