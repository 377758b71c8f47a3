#pragma once

#include <segx/kernels/plane_scale.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

template <class T, layout Memory>
[[gnu::noinline]] void plane_scale_forward(plain_loops<T, Memory>&, const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto factor = elements<Memory>(f.x[1]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    const T product = x(n, c, i, j) * factor(n, 0, i, j);
    y(n, c, i, j) = detail::apply(f.then, product, f.seed, detail::element_index(f.y.extent, n, c, i, j));
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void plane_scale_backward(plain_loops<T, Memory>&, const backward_pass<T>& b) {
  const auto x = elements<Memory>(b.x[0]);
  const auto factor = elements<Memory>(b.x[1]);
  const auto dy = elements<Memory>(b.dy);
  if (b.dx[0]) {
    const auto dx = elements<Memory>(b.dx[0]);
    if (!b.adds[0]) { set_spare_lanes<Memory>(b.dx[0]); }
    for_each_element(b.dx[0], [&](int n, int c, int i, int j) {
      const T value = dy(n, c, i, j) * factor(n, 0, i, j);
      dx(n, c, i, j) = b.adds[0] ? dx(n, c, i, j) + value : value;
    });
  }
  if (b.dx[1]) {
    const auto dfactor = elements<Memory>(b.dx[1]);
    for_each_element(b.dx[1], [&](int n, int, int i, int j) {
      double sum = 0;
      for (int c = 0; c < b.dy.extent.channels; ++c) { sum += x(n, c, i, j) * dy(n, c, i, j); }
      const T value = static_cast<T>(sum);
      dfactor(n, 0, i, j) = b.adds[1] ? dfactor(n, 0, i, j) + value : value;
    });
  }
}

}  // namespace segx
