#pragma once

#include <segx/kernels/avg_pool2d.hpp>
#include <segx/kernels/reference/conv2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

/// y[n,c,i,j] = Σ x[n,c,row,column] / count   over the window (i, j)
template <class T, layout Memory>
[[gnu::noinline]] void avg_pool2d_forward(plain_loops<T, Memory>&, const avg_pool2d_geometry& g,
                                          const forward_pass<T>& f) {
  const shape from = f.x[0].extent;
  const shape to = f.y.extent;
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    const pixel_range rows = g.window(i, from.height, to.height);
    const pixel_range columns = g.window(j, from.width, to.width);
    double sum = 0;
    for (int row = rows.begin; row < rows.end; ++row) {
      for (int column = columns.begin; column < columns.end; ++column) { sum += x(n, c, row, column); }
    }
    y(n, c, i, j) = static_cast<T>(sum / g.count(rows, columns));
  });
}

/// dx[n,c,row,column] (+)= dy[n,c,i,j] / count   for every window (i, j) that has the pixel
template <class T, layout Memory>
[[gnu::noinline]] void avg_pool2d_backward(plain_loops<T, Memory>& on, const avg_pool2d_geometry& g,
                                           const backward_pass<T>& b) {
  if (!b.dx[0]) { return; }
  const shape from = b.dx[0].extent;
  const shape to = b.dy.extent;
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  detail::start_gradient(on, b.dx[0], b.adds[0]);
  for_each_element(b.dy, [&](int n, int c, int i, int j) {
    const pixel_range rows = g.window(i, from.height, to.height);
    const pixel_range columns = g.window(j, from.width, to.width);
    const T share = dy(n, c, i, j) / static_cast<T>(g.count(rows, columns));
    for (int row = rows.begin; row < rows.end; ++row) {
      for (int column = columns.begin; column < columns.end; ++column) { dx(n, c, row, column) += share; }
    }
  });
}

}  // namespace segx
