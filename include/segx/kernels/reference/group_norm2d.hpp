#pragma once

#include <cmath>

#include <segx/kernels/group_norm2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

namespace detail {

/// Calls f(c, i, j) for every element of an image's channels from `first` on, `count` of them.
void for_each_of_channels(shape s, int first, int count, auto&& f) {
  for (int c = first; c < first + count; ++c) {
    for (int i = 0; i < s.height; ++i) {
      for (int j = 0; j < s.width; ++j) { f(c, i, j); }
    }
  }
}

}  // namespace detail

/// y[n,c,i,j] = (x[n,c,i,j] − mean[n,g]) / √(var[n,g] + ε) · γ[c] + β[c]   with c in group g
template <class T, layout Memory>
[[gnu::noinline]] void group_norm2d_forward(plain_loops<T, Memory>&, const group_norm2d_geometry& g,
                                            const forward_pass<T>& f) {
  const shape s = f.y.extent;
  const int size = g.channels_of_group(s.channels);
  const auto count = static_cast<double>(size * s.plane());
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  const T* weight = f.parameters[0];
  const T* bias = f.parameters[1];
  set_spare_lanes<Memory>(f.y);
  for (int n = 0; n < f.y.batch; ++n) {
    for (int first = 0; first < s.channels; first += size) {
      double mean = 0;
      double variance = 0;
      detail::for_each_of_channels(s, first, size, [&](int c, int i, int j) { mean += x(n, c, i, j) / count; });
      detail::for_each_of_channels(s, first, size, [&](int c, int i, int j) {
        const double difference = x(n, c, i, j) - mean;
        variance += difference * difference / count;
      });
      const double scale = 1 / std::sqrt(variance + g.epsilon);
      for (int c = first; f.kept && c < first + size; ++c) {
        f.kept.of(n)[c] = static_cast<T>(mean);
        f.kept.of(n)[s.channels + c] = static_cast<T>(scale);
      }
      detail::for_each_of_channels(s, first, size, [&](int c, int i, int j) {
        auto value = static_cast<T>((x(n, c, i, j) - mean) * scale);
        if (weight != nullptr) { value = value * weight[c] + bias[c]; }
        y(n, c, i, j) = detail::apply(f.then, value, f.seed, detail::element_index(s, n, c, i, j));
      });
    }
  }
}

/// With x̂ = (x − mean) / √(var + ε), d = γ·dy and means over image and group:  dβ = Σ dy,  dγ = Σ dy·x̂,
///
///   dx = (d − mean(d) − x̂ · mean(d·x̂)) / √(var + ε)
template <class T, layout Memory>
[[gnu::noinline]] void group_norm2d_backward(plain_loops<T, Memory>&, const group_norm2d_geometry& g,
                                             const backward_pass<T>& b) {
  const shape s = b.dy.extent;
  const int size = g.channels_of_group(s.channels);
  const auto count = static_cast<double>(size * s.plane());
  const auto x = elements<Memory>(b.x[0]);
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  const T* weight = b.parameters[0];
  if (b.dx[0] && !b.adds[0]) { set_spare_lanes<Memory>(b.dx[0]); }
  for (int n = 0; n < b.dy.batch; ++n) {
    for (int first = 0; first < s.channels; first += size) {
      const double mean = b.kept.of(n)[first];
      const double scale = b.kept.of(n)[s.channels + first];
      double gradient_mean = 0;
      double product_mean = 0;
      detail::for_each_of_channels(s, first, size, [&](int c, int i, int j) {
        const double normal = (x(n, c, i, j) - mean) * scale;
        const double gradient = weight == nullptr ? dy(n, c, i, j) : weight[c] * dy(n, c, i, j);
        gradient_mean += gradient / count;
        product_mean += gradient * normal / count;
        if (weight != nullptr) {
          b.dparameters[0][c] += static_cast<T>(dy(n, c, i, j) * normal);
          b.dparameters[1][c] += dy(n, c, i, j);
        }
      });
      if (!b.dx[0]) { continue; }
      detail::for_each_of_channels(s, first, size, [&](int c, int i, int j) {
        const double normal = (x(n, c, i, j) - mean) * scale;
        const double gradient = weight == nullptr ? dy(n, c, i, j) : weight[c] * dy(n, c, i, j);
        const auto value = static_cast<T>((gradient - gradient_mean - normal * product_mean) * scale);
        dx(n, c, i, j) = b.adds[0] ? dx(n, c, i, j) + value : value;
      });
    }
  }
}

}  // namespace segx
