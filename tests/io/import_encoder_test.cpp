#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include <segx/io/import_encoder.hpp>
#include <segx/io/safetensors.hpp>
#include <segx/models/zoo.hpp>
#include <segx/runtime/session.hpp>

using namespace segx;

namespace {

template <int Channels>
struct small_net : network<input<Channels>, segmentation<mobilenet_v2<0.35>, unet_decoder<16, 16, 16, 16, 16>>> {};
using small_classifier = image_classifier<mobilenet_v2<0.35>, 10>;

/// A file with the arrays of a network, its modules renamed, kernels turned where the scheme wants it.
template <class Network>
std::vector<std::byte> file_of(const weights<Network>& w, weight_scheme scheme) {
  const module_renames renames = *encoder_names("mobilenet_v2", scheme);
  std::vector<std::vector<float>> values;
  std::vector<tensor_entry> entries;
  for (const auto& array : w.arrays()) {
    const std::size_t dot = array.name.rfind('.');
    std::string module = array.name.substr(0, dot);
    std::string kind = array.name.substr(dot + 1);
    for (const auto& [ours, theirs] : renames) {
      if (ours == module) {
        module = theirs;
        break;
      }
    }
    std::vector<std::int64_t> extents = array.extents;
    values.emplace_back(array.values.begin(), array.values.end());
    if (scheme == weight_scheme::keras) {
      const bool is_norm = module.ends_with("BN") || module.ends_with("_bn") || module.starts_with("bn_");
      const std::map<std::string, std::string> norms{
          {"weight", "gamma"}, {"bias", "beta"}, {"running_mean", "moving_mean"}, {"running_var", "moving_variance"}};
      if (is_norm) {
        kind = norms.at(kind);
      } else if (kind == "weight") {
        kind = module.ends_with("depthwise") ? "depthwise_kernel" : "kernel";
        const auto [k, c, r, s] = std::array{extents[0], extents[1], extents[2], extents[3]};
        for (std::int64_t i = 0; i < array.start.size(); ++i) {  // [K,C,R,S] to [R,S,C,K]
          const std::int64_t of_k = i / (c * r * s), of_c = i / (r * s) % c, tap = i % (r * s);
          values.back()[static_cast<std::size_t>((tap * c + of_c) * k + of_k)] =
              array.values[static_cast<std::size_t>(i)];
        }
        extents = {r, s, c, k};
      }
    }
    entries.push_back({module + (scheme == weight_scheme::keras ? "/" : ".") + kind, dtype::f32, extents,
                       std::as_bytes(std::span{values.back()})});
  }
  return make_safetensors(entries, {});
}

weights<small_classifier> drawn() {
  auto w = weights<small_classifier>::random(3);
  float value = 0.5F;
  for (float& v : w.statistics()) { v = value = value > 1.5F ? 0.5F : value + 0.01F; }
  return w;
}

}  // namespace

TEST_CASE("weights of an encoder are read under the names of each library", "[io]") {
  const auto original = drawn();
  for (const weight_scheme scheme : {weight_scheme::torchvision, weight_scheme::timm, weight_scheme::keras}) {
    const auto bytes = file_of(original, scheme);
    safetensors_view file;
    REQUIRE(parse_safetensors(bytes, file) == "");
    weights<small_classifier> filled;
    const import_report report = import_encoder(file, "mobilenet_v2", filled);
    CHECK(report.scheme == scheme);
    CHECK(report.missing.empty());
    CHECK(report.unused.empty());
    CHECK(std::equal(filled.values().begin(), filled.values().end(), original.values().begin()));
  }
}

TEST_CASE("an encoder for gray images sees what one for colour sees in three equal channels", "[io]") {
  const auto bytes = file_of(drawn(), weight_scheme::torchvision);
  safetensors_view file;
  REQUIRE(parse_safetensors(bytes, file) == "");
  auto gray = weights<small_net<1>>::random(1);
  auto colour = weights<small_net<3>>::random(1);
  for (auto& array : gray.arrays()) {  // the same decoder
    for (auto& other : colour.arrays()) {
      if (other.name == array.name && !array.name.starts_with("encoder.")) {
        std::copy(array.values.begin(), array.values.end(), other.values.begin());
      }
    }
  }
  import_encoder(file, "mobilenet_v2", gray, "encoder");
  import_encoder(file, "mobilenet_v2", colour, "encoder");
  auto image = xt::xtensor<float, 4>::from_shape({1, 1, 64, 64});
  auto equal = xt::xtensor<float, 4>::from_shape({1, 3, 64, 64});
  for (std::size_t i = 0; i < equal.size(); ++i) {
    image.data()[i % image.size()] = static_cast<float>(i % image.size() * 37 % 101) / 101;
    equal.data()[i] = image.data()[i % image.size()];
  }
  for (std::size_t i = 0; i < equal.size(); ++i) { equal.data()[i] = image.data()[i % image.size()]; }
  const auto y = session<small_net<1>>{gray, 64, 64}.logits(image);
  const auto expected = session<small_net<3>>{colour, 64, 64}.logits(equal);
  float largest = 0, difference = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    largest = std::max(largest, std::abs(expected.data()[i]));
    difference = std::max(difference, std::abs(expected.data()[i] - y.data()[i]));
  }
  CHECK(largest > 0.01F);
  CHECK(difference <= 1e-4F * largest);
}

TEST_CASE("an import says what a file lacks, and changes nothing then", "[io]") {
  auto bytes = file_of(drawn(), weight_scheme::timm);
  safetensors_view file;
  REQUIRE(parse_safetensors(bytes, file) == "");
  std::erase_if(file.tensors, [](const tensor_entry& t) { return t.name == "blocks.2.1.bn2.weight"; });
  weights<small_classifier> filled;
  CHECK_THROWS_WITH(import_encoder(file, "mobilenet_v2", filled), Catch::Contains("blocks.2.1.bn2.weight"));
  CHECK(std::all_of(filled.values().begin(), filled.values().end(), [](float v) { return v == 0; }));
  std::erase_if(file.tensors, [](const tensor_entry& t) { return t.name.starts_with("blocks"); });
  CHECK_THROWS_WITH(import_encoder(file, "resnet18", filled), Catch::Contains("no weights of resnet18"));
}
