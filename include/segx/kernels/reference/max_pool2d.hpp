#pragma once

#include <cmath>

#include <segx/kernels/max_pool2d.hpp>
#include <segx/kernels/reference/conv2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

namespace detail {

struct pixel {
  int row, column;
};

/// The largest value of what of window (i, j) lies in an image of shape x: the first one, row by row; NaN, where there
/// is one, so that a training which diverges is noticed.
constexpr pixel largest_of_window(const pool2d_geometry& g, shape x, int i, int j, auto&& value) {
  const pixel_range rows = g.window(i, x.height);
  const pixel_range columns = g.window(j, x.width);
  pixel best{rows.begin, columns.begin};
  for (int row = rows.begin; row < rows.end; ++row) {
    for (int column = columns.begin; column < columns.end; ++column) {
      const pixel p{row, column};
      if (value(p) > value(best) || std::isnan(value(p))) { best = p; }
    }
  }
  return best;
}

}  // namespace detail

template <class T, layout Memory>
[[gnu::noinline]] void max_pool2d_forward(plain_loops<T, Memory>&, const pool2d_geometry& g, const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    const auto value = [&](detail::pixel p) { return x(n, c, p.row, p.column); };
    y(n, c, i, j) = value(detail::largest_of_window(g, f.x[0].extent, i, j, value));
  });
}

/// The gradient goes to the largest value of each window, which is looked for again: nothing is kept from the forward
/// pass.
template <class T, layout Memory>
[[gnu::noinline]] void max_pool2d_backward(plain_loops<T, Memory>& on, const pool2d_geometry& g,
                                           const backward_pass<T>& b) {
  if (!b.dx[0]) { return; }
  const auto x = elements<Memory>(b.x[0]);
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  detail::start_gradient(on, b.dx[0], b.adds[0]);
  for_each_element(b.dy, [&](int n, int c, int i, int j) {
    const auto value = [&](detail::pixel p) { return x(n, c, p.row, p.column); };
    const detail::pixel p = detail::largest_of_window(g, b.x[0].extent, i, j, value);
    dx(n, c, p.row, p.column) += dy(n, c, i, j);
  });
}

}  // namespace segx
