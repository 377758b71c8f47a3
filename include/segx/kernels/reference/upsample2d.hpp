#pragma once

#include <segx/kernels/reference/conv2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>
#include <segx/kernels/upsample2d.hpp>

namespace segx {

namespace detail {

/// Calls f(h, w, weight) for the pixels of x [C,H,W] that value (i, j) of a result is made of.
void for_each_source(const upsample2d_geometry& g, shape x, int i, int j, auto&& f) {
  if (g.mode == interpolation::nearest) { return f(i / g.factor, j / g.factor, 1.0); }
  const upsample2d_source row = upsample2d_axis{g, x.height}(i);
  const upsample2d_source column = upsample2d_axis{g, x.width}(j);
  f(row.low, column.low, (1 - row.share) * (1 - column.share));
  f(row.low, column.high, (1 - row.share) * column.share);
  f(row.high, column.low, row.share * (1 - column.share));
  f(row.high, column.high, row.share * column.share);
}

}  // namespace detail

template <class T, layout Memory>
[[gnu::noinline]] void upsample2d_forward(plain_loops<T, Memory>&, const upsample2d_geometry& g,
                                          const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    double sum = 0;
    detail::for_each_source(g, f.x[0].extent, i, j,
                            [&](int h, int w, double weight) { sum += weight * x(n, c, h, w); });
    y(n, c, i, j) = static_cast<T>(sum);
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void upsample2d_backward(plain_loops<T, Memory>& on, const upsample2d_geometry& g,
                                           const backward_pass<T>& b) {
  if (!b.dx[0]) { return; }
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  detail::start_gradient(on, b.dx[0], b.adds[0]);
  for_each_element(b.dy, [&](int n, int c, int i, int j) {
    detail::for_each_source(g, b.dx[0].extent, i, j, [&](int h, int w, double weight) {
      dx(n, c, h, w) += static_cast<T>(weight * dy(n, c, i, j));
    });
  });
}

}  // namespace segx
