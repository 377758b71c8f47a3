#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <xtensor/xtensor.hpp>

#include <segx/io/safetensors.hpp>
#include <segx/runtime/any_network.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/weights.hpp>
#include <segx/testing/compare.hpp>

/// The numbers of tests/golden/models, and what they were made from: see tests/golden/make_models.py.
namespace golden {

inline const std::filesystem::path folder = SEGX_GOLDEN_MODELS;

/// `count` numbers in [-1,1) from a name.
inline std::vector<double> drawn(std::string_view name, std::size_t count) {
  std::uint32_t seed = 2166136261U;
  for (const char c : name) { seed = (seed ^ static_cast<unsigned char>(c)) * 16777619U; }
  std::vector<double> numbers(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t x = seed + i * 0x9e3779b9U;
    x = (x ^ (x >> 16)) * 0x7feb352dU;
    x = (x ^ (x >> 15)) * 0x846ca68bU;
    numbers[i] = (x ^ (x >> 16)) / 0x1p31 - 1;
  }
  return numbers;
}

/// Convolutions as He et al. would draw them, normalisations near 1 and 0.
template <class T = float, class Network>
segx::weights<Network, T> drawn_weights(const Network& network) {
  segx::weights<Network, T> w{network};
  for (const auto& array : w.arrays()) {
    const std::vector<double> u = drawn(array.name, array.values.size());
    const bool is_convolution = array.extents.size() > 1;
    const bool is_near_one = array.name.ends_with("weight") || array.name.ends_with("running_var");
    const double he = std::sqrt(6.0 * static_cast<double>(array.extents[0]) / static_cast<double>(u.size()));
    for (std::size_t i = 0; i < u.size(); ++i) {
      array.values[i] = static_cast<float>(is_convolution ? he * u[i] : is_near_one ? 1 + 0.5 * u[i] : 0.2 * u[i]);
    }
  }
  return w;
}

template <class T = float>
xt::xtensor<T, 4> images(int count, int channels, int extent) {
  const auto side = static_cast<std::size_t>(extent);
  auto result =
      xt::xtensor<T, 4>::from_shape({static_cast<std::size_t>(count), static_cast<std::size_t>(channels), side, side});
  const std::vector<double> values = drawn("images", result.size());
  std::transform(values.begin(), values.end(), result.begin(), [](double v) { return static_cast<float>(v); });
  return result;
}

/// The lines of a text file without its first, which says where it is from.
inline std::vector<std::string> lines_of(const std::filesystem::path& name) {
  std::ifstream file{folder / name};
  INFO(name);
  REQUIRE(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) { lines.push_back(line); }
  lines.erase(lines.begin());
  return lines;
}

/// The logits of one image, deployed.
inline void check_output(const std::string& name, const segx::any_network& network) {
  INFO(name);
  std::ifstream file{folder / "outputs.safetensors", std::ios::binary};
  const std::vector<char> text{std::istreambuf_iterator<char>{file}, {}};
  segx::safetensors_view view;
  REQUIRE(segx::parse_safetensors(std::as_bytes(std::span{text}), view).empty());
  REQUIRE(view.find(name) != nullptr);
  const segx::tensor_entry& entry = *view.find(name);
  std::vector<float> expected(entry.bytes.size() / sizeof(float));
  REQUIRE(segx::to_float32(entry, expected).empty());

  segx::session<segx::any_network> session{drawn_weights(network), 64, 64};
  CHECK(segx::testing::relative_error(session.logits(images(1, network.channels, 64)), expected) < 1e-4);
}

}  // namespace golden
