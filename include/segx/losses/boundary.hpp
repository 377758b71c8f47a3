#pragma once

#include <algorithm>
#include <cmath>

#include <segx/geometry/distance_transform.hpp>
#include <segx/losses/options.hpp>
#include <segx/losses/probability.hpp>

namespace segx {

namespace detail {

/// Writes the signed distances of a mask [H,W] in pixels: outside, the distance to the nearest pixel inside; inside,
/// 1 minus the distance to the nearest pixel outside, which is 0 along the border. 0 everywhere if there is no border.
template <class T>
void write_signed_distances(const T* target, int height, int width, T* phi) {
  const auto size = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  std::vector<std::uint8_t> inside(size);
  std::vector<std::uint8_t> outside(size);
  std::size_t area = 0;
  for (std::size_t i = 0; i < size; ++i) {
    inside[i] = target[i] > T{0.5} ? 1 : 0;
    outside[i] = 1 - inside[i];
    area += inside[i];
  }
  if (area == 0 || area == size) {
    std::fill_n(phi, size, T{0});
    return;
  }
  const std::vector<double> to_inside = squared_distances(inside, height, width);
  const std::vector<double> to_outside = squared_distances(outside, height, width);
  for (std::size_t i = 0; i < size; ++i) {
    phi[i] = static_cast<T>(inside[i] ? 1 - std::sqrt(to_outside[i]) : std::sqrt(to_inside[i]));
  }
}

}  // namespace detail

/// Boundary loss: L = 1/n Σ φ p, the mean over the pixels of all classes of the probability p times the signed distance
/// φ in pixels to the border of the target, positive outside it and negative inside (detail::write_signed_distances).
///
/// It is below 0 for a good prediction, and says nothing of masks that are empty or full, whose φ is 0: add it with a
/// small weight to a loss of regions, as `dice + 0.01 * boundary`. Two distance transforms for each plane.
/// Source: Kervadec et al., arXiv:1812.07032.
template <probability P = probability::sigmoid>
struct boundary_loss {
  static constexpr std::string_view name = P == probability::sigmoid ? "boundary" : "softmax_boundary";

  bool background = true;  ///< false leaves channel 0 out

  static void options(auto& loss, auto&& option) { option("background", loss.background); }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = P}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    const detail::plane_sets sets{name, call.images(), call.channels(), over::batch, background};
    const int height = static_cast<int>(call.target.shape()[2]);
    const int width = static_cast<int>(call.target.shape()[3]);
    std::vector<T> phi(call.target.size());  // 0 in what is left out
    std::size_t counted = 0;
    for (std::size_t n = 0; n < call.images(); ++n) {
      for (std::size_t k = 0; k < call.channels(); ++k) {
        if (!sets.has(k)) { continue; }
        counted += call.plane();
        const std::size_t at = call.at(n, k);
        detail::write_signed_distances(call.target.data() + at, height, width, phi.data() + at);
      }
    }
    double sum = 0;
    detail::for_each_probability<P>(
        name, call, [&](std::size_t n, std::size_t k, std::size_t first, std::size_t count, const T* p) {
          const T* distance = phi.data() + call.at(n, k) + first;
          for (std::size_t j = 0; j < count; ++j) { sum += static_cast<double>(distance[j]) * p[j]; }
        });
    const auto size = static_cast<double>(counted);
    if (call.dlogits) {
      const T scale = static_cast<T>(call.weight / size);
      detail::add_gradient<P>(name, call,
                              [&](std::size_t n, std::size_t k, std::size_t first, std::size_t count, T* g) {
                                const T* distance = phi.data() + call.at(n, k) + first;
                                for (std::size_t j = 0; j < count; ++j) { g[j] = scale * distance[j]; }
                              });
    }
    return sum / size;
  }
};

inline constexpr boundary_loss<> boundary{};
inline constexpr boundary_loss<probability::softmax> softmax_boundary{};

static_assert(loss<boundary_loss<>>);

}  // namespace segx
