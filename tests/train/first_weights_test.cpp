#include <algorithm>
#include <catch2/catch.hpp>

#include <segx/io/weight_file.hpp>
#include <segx/models/unet.hpp>
#include <segx/models/zoo.hpp>
#include <segx/runtime/any_network.hpp>
#include <segx/train/first_weights.hpp>

#include "temporary_folder.hpp"

using namespace segx;

namespace {

template <int... Channels>
struct net : network<input<1>, chain<unet<Channels...>, named<"head", conv1x1<1>>, sigmoid>> {};
using tiny = net<4, 8>;
struct plain : network<input<1>, chain<named<"head", conv1x1<1>>, sigmoid>> {};
struct with_encoder : network<input<1>, segmentation<mobilenet_v2<0.35>, unet_decoder<16, 16, 16, 16, 16>>> {};
using its_classifier = image_classifier<mobilenet_v2<0.35>, 10>;

template <class Network>
std::string saved(const temporary_folder& folder, const weights<Network>& w) {
  const std::string file = (folder / "first.safetensors").string();
  save_weights(file, w, {.model = "first", .height = 64, .width = 64});
  return file;
}

const weight_array<const float>& array_of(const std::vector<weight_array<const float>>& arrays,
                                          const std::string& name) {
  return *std::find_if(arrays.begin(), arrays.end(), [&](const auto& array) { return array.name == name; });
}

}  // namespace

TEST_CASE("a training begins with all weights of the same network") {
  const temporary_folder folder;
  const auto before = weights<tiny>::random(5);
  const auto first = first_weights({.pretrained = saved(folder, before), .seed = 1}, tiny{});
  CHECK(std::ranges::equal(first.values(), before.values()));
}

TEST_CASE("with other classes it begins with all but the head, which the seed draws") {
  const temporary_folder folder;
  const auto before = weights<tiny>::random(5);
  const any_network organs = any_network::of<tiny>().with_head({3, activation::sigmoid});
  const auto drawn = weights<any_network>::random(1, organs);
  const auto first = first_weights({.pretrained = saved(folder, before), .seed = 1}, organs);
  const auto old_arrays = before.arrays();
  int others = 0;
  for (const auto& array : first.arrays()) {
    const auto& old = array_of(old_arrays, array.name);
    const bool is_old = std::ranges::equal(array.values, old.values);
    if (!is_old) {
      ++others;
      CHECK(array.extents[0] == 3);
      CHECK(std::ranges::equal(array.values,
                               drawn.values().subspan(static_cast<std::size_t>(array.place), array.values.size())));
    }
  }
  CHECK(others == 2);
}

TEST_CASE("a classifier's weights are those of the encoder") {
  const temporary_folder folder;
  const auto classifier = weights<its_classifier>::random(5);
  const auto first = first_weights({.pretrained = saved(folder, classifier), .seed = 1}, with_encoder{});
  const auto arrays = first.arrays();
  const auto theirs = classifier.arrays();
  CHECK(std::ranges::equal(array_of(arrays, "encoder.features.2.conv.0.0.weight").values,
                           array_of(theirs, "features.2.conv.0.0.weight").values));
  CHECK(std::ranges::equal(arrays.back().values, weights<with_encoder>::random(1).arrays().back().values));
}

TEST_CASE("weights of an encoder that pads otherwise are refused, though their extents are the same") {
  const temporary_folder folder;
  using padded_at_end = image_classifier<mobilenet_v2<0.35, halving::at_end>, 10>;
  const std::string file = saved(folder, weights<padded_at_end>::random(5));
  CHECK_THROWS_WITH((first_weights({.model = "tiny", .pretrained = file}, with_encoder{})),
                    Catch::Matchers::Contains("the layer \"features.0.0\" is conv2d(kernel 3, stride 2, end_padding 1) "
                                              "there, and here conv2d(kernel 3, stride 2, padding 1)"));
}

TEST_CASE("weights that were damaged are refused") {
  const temporary_folder folder;
  const std::string file = saved(folder, weights<tiny>::random(5));
  std::vector<std::byte> bytes = read_file(file);
  bytes[bytes.size() / 2] ^= std::byte{1};
  write_file_atomically(file, bytes);
  CHECK_THROWS_WITH((first_weights({.pretrained = file}, tiny{})),
                    Catch::Matchers::StartsWith(file + ": the file is damaged"));
}

TEST_CASE("weights that do not fit are refused by name") {
  const temporary_folder folder;
  const std::string file = saved(folder, weights<tiny>::random(5));
  CHECK_THROWS_WITH((first_weights({.model = "wide", .pretrained = file}, net<8, 16>{})),
                    Catch::Matchers::Contains(file) && Catch::Matchers::Contains("expected the extents"));
  CHECK_THROWS_WITH((first_weights({.model = "deep", .pretrained = file}, net<4, 8, 16>{})),
                    Catch::Matchers::Contains(file) && Catch::Matchers::Contains("is missing"));
  const std::string other = saved(folder, weights<its_classifier>::random(5));
  CHECK_THROWS_WITH((first_weights({.model = "tiny", .pretrained = other}, tiny{})),
                    Catch::Matchers::Contains("with which this network cannot begin: the tensor"));
  CHECK_THROWS_WITH((first_weights({.model = "plain", .pretrained = other}, plain{})),
                    Catch::Matchers::Contains("has no encoder"));
}
