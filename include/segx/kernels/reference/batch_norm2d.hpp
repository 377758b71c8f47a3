#pragma once

#include <cmath>

#include <segx/kernels/batch_norm2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

namespace detail {

/// Calls f(n, i, j) for every pixel of every image.
template <class T>
void for_each_pixel(const view<T>& of, auto&& f) {
  for (int n = 0; n < of.batch; ++n) {
    for (int i = 0; i < of.extent.height; ++i) {
      for (int j = 0; j < of.extent.width; ++j) { f(n, i, j); }
    }
  }
}

}  // namespace detail

/// y[n,c,i,j] = (x[n,c,i,j] − mean[c]) / √(var[c] + ε) · γ[c] + β[c]
template <class T, layout Memory>
[[gnu::noinline]] void batch_norm2d_forward(plain_loops<T, Memory>&, const batch_norm2d_geometry& g,
                                            const forward_pass<T>& f) {
  const int channels = f.y.extent.channels;
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  const auto count = static_cast<double>(f.y.batch * f.y.extent.plane());
  set_spare_lanes<Memory>(f.y);
  for (int c = 0; c < channels; ++c) {
    double mean = f.parameters[2][c];
    double variance = f.parameters[3][c];
    if (f.batch_statistics) {
      mean = variance = 0;
      detail::for_each_pixel(f.y, [&](int n, int i, int j) { mean += x(n, c, i, j) / count; });
      detail::for_each_pixel(f.y, [&](int n, int i, int j) {
        const double difference = x(n, c, i, j) - mean;
        variance += difference * difference / count;
      });
    }
    const double scale = 1 / std::sqrt(variance + g.epsilon);
    if (f.kept) {
      f.kept.of(0)[c] = static_cast<T>(mean);
      f.kept.of(0)[channels + c] = static_cast<T>(scale);
    }
    detail::for_each_pixel(f.y, [&](int n, int i, int j) {
      const auto value = static_cast<T>((x(n, c, i, j) - mean) * scale * f.parameters[0][c] + f.parameters[1][c]);
      y(n, c, i, j) = detail::apply(f.then, value, f.seed, detail::element_index(f.y.extent, n, c, i, j));
    });
  }
}

/// With x̂ = (x − mean) / √(var + ε) and M = N·H·W:  dβ = Σ dy,  dγ = Σ dy·x̂,
///
///   dx = γ / √(var + ε) · (dy − dβ/M − x̂ · dγ/M)    where the statistics were those of the batch,
///   dx = γ / √(var + ε) · dy                         where they were running ones.
template <class T, layout Memory>
[[gnu::noinline]] void batch_norm2d_backward(plain_loops<T, Memory>&, const batch_norm2d_geometry& g,
                                             const backward_pass<T>& b) {
  const int channels = b.dy.extent.channels;
  const auto x = elements<Memory>(b.x[0]);
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  const auto count = static_cast<double>(b.dy.batch * b.dy.extent.plane());
  if (b.dx[0] && !b.adds[0]) { set_spare_lanes<Memory>(b.dx[0]); }
  for (int c = 0; c < channels; ++c) {
    const double mean = b.kept.of(0)[c];
    const double scale = b.kept.of(0)[channels + c];
    double sum = 0;
    double product = 0;
    detail::for_each_pixel(b.dy, [&](int n, int i, int j) {
      sum += dy(n, c, i, j);
      product += dy(n, c, i, j) * (x(n, c, i, j) - mean) * scale;
    });
    b.dparameters[0][c] += static_cast<T>(product);
    b.dparameters[1][c] += static_cast<T>(sum);
    if (b.batch_statistics) {
      const double variance = 1 / (scale * scale) - g.epsilon;
      const double unbiased = variance * count / std::max(count - 1, 1.0);
      b.dparameters[2][c] += static_cast<T>(g.momentum * (b.parameters[2][c] - mean));
      b.dparameters[3][c] += static_cast<T>(g.momentum * (b.parameters[3][c] - unbiased));
    } else {
      sum = product = 0;
    }
    if (!b.dx[0]) { continue; }
    detail::for_each_pixel(b.dy, [&](int n, int i, int j) {
      const double normal = (x(n, c, i, j) - mean) * scale;
      const double change = dy(n, c, i, j) - sum / count - normal * product / count;
      const auto value = static_cast<T>(b.parameters[0][c] * scale * change);
      dx(n, c, i, j) = b.adds[0] ? dx(n, c, i, j) + value : value;
    });
  }
}

}  // namespace segx
