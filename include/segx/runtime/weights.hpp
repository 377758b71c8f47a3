#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/joined.hpp>
#include <segx/core/network.hpp>
#include <segx/core/random.hpp>

namespace segx {

/// True if a layer, or an array of one, is named by one of `parts`, or lies in a part that is: "encoder.2.conv1" in
/// "encoder".
inline bool is_part_of(std::string_view name, std::span<const std::string> parts) {
  for (const std::string& part : parts) {
    if (name.starts_with(part) && (name.size() == part.size() || name[part.size()] == '.')) { return true; }
  }
  return false;
}

/// One array inside a network's weights.
template <class T>
struct weight_array {
  std::string name;                   // "encoder.0.conv1.weight"
  std::vector<std::int64_t> extents;  // as in PyTorch: [K,C,R,R], [K]
  std::span<T> values;
  std::int64_t place = 0;  // of the first value in the flat array
  parameter start;
};

/// The weights of a network, whatever the size of its images, in one flat array and in PyTorch's layout: first what is
/// learned, in order of execution, then running statistics.
template <class Network, class T = float>
class weights {
  static_assert(is_network<Network>, "weights are those of a network<input<C>, ...>, not of a chain or a layer");

 public:
  using network_type = Network;

  /// All zero.
  weights() requires std::default_initializable<Network> : weights{Network{}} {}
  explicit weights(const Network& network)
      : network_{network}, values_(static_cast<std::size_t>(network.parameter_count + network.statistic_count)) {}

  /// Drawn as each layer says (He et al. for convolutions under ReLU, biases zero). The same seed gives the same: bit
  /// for bit with one C library, to within rounding with another, whose logarithms and cosines may differ.
  static weights random(std::uint64_t seed) requires std::default_initializable<Network> {
    return random(seed, Network{});
  }
  static weights random(std::uint64_t seed, const Network& network) {
    weights w{network};
    std::uint64_t index = 0;
    for (const weight_array<T>& array : w.arrays()) {
      random_generator draw{seed, index++};
      for (T& value : array.values) {
        switch (array.start.start) {
          case init::zero:
            value = 0;
            break;
          case init::one:
            value = 1;
            break;
          case init::quarter:
            value = T{0.25};
            break;
          case init::he_normal:
            value = static_cast<T>(std::sqrt(2.0 / array.start.fan_in) * normal(draw));
            break;
        }
      }
    }
    return w;
  }

  const Network& network() const { return network_; }
  std::span<T> values() { return values_; }
  std::span<const T> values() const { return values_; }

  std::span<T> learnable() { return values().first(static_cast<std::size_t>(network_.parameter_count)); }
  std::span<T> statistics() { return values().subspan(static_cast<std::size_t>(network_.parameter_count)); }

  /// Every array, in order of execution. The spans look into this object.
  std::vector<weight_array<T>> arrays() { return arrays_of<T>(values_.data()); }
  std::vector<weight_array<const T>> arrays() const { return arrays_of<const T>(values_.data()); }

 private:
  /// Box and Muller: from two uniform numbers to a normal one.
  static double normal(random_generator& draw) {
    constexpr double two_pi = 6.283185307179586;
    const double radius = std::sqrt(-2 * std::log(1 - draw.uniform()));
    return radius * std::cos(two_pi * draw.uniform());
  }

  template <class Value>
  std::vector<weight_array<Value>> arrays_of(Value* values) const {
    std::vector<weight_array<Value>> result;
    for (const auto& node : network_.nodes()) {
      for (int p = 0; p < node.parameter_count; ++p) {
        const parameter& start = node.parameters[p];
        result.push_back({joined({node.name.view(), ".", start.name}),
                          {start.extents.begin(), start.extents.begin() + start.rank},
                          {values + node.places[p], static_cast<std::size_t>(start.size())},
                          node.places[p],
                          start});
      }
    }
    return result;
  }

  [[no_unique_address]] Network network_;
  std::vector<T> values_;
};

}  // namespace segx
