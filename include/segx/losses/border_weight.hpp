#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <segx/geometry/connected_components.hpp>
#include <segx/geometry/distance_transform.hpp>
#include <segx/losses/options.hpp>
#include <segx/losses/weighted.hpp>

namespace segx {

/// Weights that keep objects apart which nearly touch, as the two lungs:
///
///   w = 1 + w₀ exp(−(d₁ + d₂)² / (2 σ²))
///
/// with d₁ and d₂ the distances in pixels to the nearest and the second nearest connected component of the target, for
/// each channel by itself; 1 where there are fewer than two. A distance transform for each component and channel.
/// Source: Ronneberger et al., "U-Net", arXiv:1505.04597, with 1 for the class weights w_c.
struct border_weight {
  static constexpr std::string_view name = "border_weight";

  double w0 = 10;
  double sigma = 5;  ///< pixels

  static void options(auto& weights, auto&& option) {
    option("w0", weights.w0, detail::range::not_negative);
    option("sigma", weights.sigma, detail::range::positive);
  }
  std::string text() const { return detail::text_with_options(*this); }

  template <class T>
  xt::xtensor<T, 4> operator()(const xt::xtensor<T, 4>& target) const {
    xt::xtensor<T, 4> weights = xt::xtensor<T, 4>::from_shape(target.shape());
    const loss_call<T> at{target, target};
    const int height = static_cast<int>(target.shape()[2]);
    const int width = static_cast<int>(target.shape()[3]);
    std::vector<std::uint8_t> mask(at.plane());
    for (std::size_t first = 0; first < target.size(); first += at.plane()) {
      const T* t = target.data() + first;
      for (std::size_t i = 0; i < mask.size(); ++i) { mask[i] = t[i] > T{0.5} ? 1 : 0; }
      write_plane(mask, height, width, weights.data() + first);
    }
    return weights;
  }

 private:
  template <class T>
  void write_plane(const std::vector<std::uint8_t>& mask, int height, int width, T* w) const {
    const connected_components components = find_components(mask, height, width);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    std::vector<double> nearest(mask.size(), infinity);  // squared
    std::vector<double> second(mask.size(), infinity);
    std::vector<std::uint8_t> component(mask.size());
    for (int label = 1; label <= components.count; ++label) {
      for (std::size_t i = 0; i < mask.size(); ++i) { component[i] = components.labels[i] == label ? 1 : 0; }
      const std::vector<double> distances = squared_distances(component, height, width);
      for (std::size_t i = 0; i < mask.size(); ++i) {
        second[i] = std::min(second[i], std::max(nearest[i], distances[i]));
        nearest[i] = std::min(nearest[i], distances[i]);
      }
    }
    for (std::size_t i = 0; i < mask.size(); ++i) {
      const double sum = std::sqrt(nearest[i]) + std::sqrt(second[i]);
      w[i] = static_cast<T>(1 + w0 * std::exp(-sum * sum / (2 * sigma * sigma)));
    }
  }
};

static_assert(pixel_weights<border_weight>);

}  // namespace segx
