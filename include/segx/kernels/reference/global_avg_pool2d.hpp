#pragma once

#include <segx/kernels/global_avg_pool2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

template <class T, layout Memory>
[[gnu::noinline]] void global_avg_pool2d_forward(plain_loops<T, Memory>&, const forward_pass<T>& f) {
  const shape s = f.x[0].extent;
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int, int) {
    double sum = 0;
    for (int i = 0; i < s.height; ++i) {
      for (int j = 0; j < s.width; ++j) { sum += x(n, c, i, j); }
    }
    y(n, c, 0, 0) = static_cast<T>(sum / static_cast<double>(s.plane()));
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void global_avg_pool2d_backward(plain_loops<T, Memory>&, const backward_pass<T>& b) {
  if (!b.dx[0]) { return; }
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  const T share = 1 / static_cast<T>(b.dx[0].extent.plane());
  if (!b.adds[0]) { set_spare_lanes<Memory>(b.dx[0]); }
  for_each_element(b.dx[0], [&](int n, int c, int i, int j) {
    const T value = dy(n, c, 0, 0) * share;
    dx(n, c, i, j) = b.adds[0] ? dx(n, c, i, j) + value : value;
  });
}

}  // namespace segx
