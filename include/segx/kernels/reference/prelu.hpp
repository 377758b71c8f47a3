#pragma once

#include <segx/kernels/prelu.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

template <class T, layout Memory>
[[gnu::noinline]] void prelu_forward(plain_loops<T, Memory>&, const prelu_geometry& g, const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  const T* slope = f.parameters[0];
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    const T value = x(n, c, i, j);
    y(n, c, i, j) = value > 0 ? value : slope[g.slope_of(c)] * value;
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void prelu_backward(plain_loops<T, Memory>&, const prelu_geometry& g, const backward_pass<T>& b) {
  const auto x = elements<Memory>(b.x[0]);
  const auto dy = elements<Memory>(b.dy);
  const T* slope = b.parameters[0];
  for_each_element(b.x[0], [&](int n, int c, int i, int j) {
    if (!(x(n, c, i, j) > 0)) { b.dparameters[0][g.slope_of(c)] += dy(n, c, i, j) * x(n, c, i, j); }
  });
  if (!b.dx[0]) { return; }
  const auto dx = elements<Memory>(b.dx[0]);
  if (!b.adds[0]) { set_spare_lanes<Memory>(b.dx[0]); }
  for_each_element(b.dx[0], [&](int n, int c, int i, int j) {
    const T value = x(n, c, i, j) > 0 ? dy(n, c, i, j) : slope[g.slope_of(c)] * dy(n, c, i, j);
    dx(n, c, i, j) = b.adds[0] ? dx(n, c, i, j) + value : value;
  });
}

}  // namespace segx
