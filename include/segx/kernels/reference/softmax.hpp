#pragma once

#include <algorithm>
#include <cmath>

#include <segx/kernels/reference/batch_norm2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>
#include <segx/kernels/softmax.hpp>

namespace segx {

/// y[n,c,i,j] = exp(x[n,c,i,j] − m) / Σ_k exp(x[n,k,i,j] − m), m the largest of the pixel's values.
template <class T, layout Memory>
[[gnu::noinline]] void softmax_forward(plain_loops<T, Memory>&, const forward_pass<T>& f) {
  const int channels = f.y.extent.channels;
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  detail::for_each_pixel(f.y, [&](int n, int i, int j) {
    T largest = x(n, 0, i, j);
    for (int c = 1; c < channels; ++c) { largest = std::max(largest, x(n, c, i, j)); }
    T sum = 0;
    for (int c = 0; c < channels; ++c) { sum += y(n, c, i, j) = std::exp(x(n, c, i, j) - largest); }
    for (int c = 0; c < channels; ++c) { y(n, c, i, j) /= sum; }
  });
}

/// dx[n,c,i,j] = y[n,c,i,j] · (dy[n,c,i,j] − Σ_k dy[n,k,i,j] · y[n,k,i,j])
template <class T, layout Memory>
[[gnu::noinline]] void softmax_backward(plain_loops<T, Memory>&, const backward_pass<T>& b) {
  if (!b.dx[0]) { return; }
  const int channels = b.dy.extent.channels;
  const auto y = elements<Memory>(b.y);
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  if (!b.adds[0]) { set_spare_lanes<Memory>(b.dx[0]); }
  detail::for_each_pixel(b.dy, [&](int n, int i, int j) {
    T mean = 0;  // weighted by y
    for (int c = 0; c < channels; ++c) { mean += dy(n, c, i, j) * y(n, c, i, j); }
    for (int c = 0; c < channels; ++c) {
      const T value = y(n, c, i, j) * (dy(n, c, i, j) - mean);
      dx(n, c, i, j) = b.adds[0] ? dx(n, c, i, j) + value : value;
    }
  });
}

}  // namespace segx
