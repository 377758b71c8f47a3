#pragma once

#include <segx/kernels/elementwise.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

template <class T, layout Memory>
[[gnu::noinline]] void pointwise_forward(plain_loops<T, Memory>&, const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    y(n, c, i, j) = detail::apply(f.then, x(n, c, i, j), f.seed, detail::drawn_index(f.then, f.y.extent, n, c, i, j));
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void epilogue_backward(plain_loops<T, Memory>&, const epilogue& then, view<const T> result,
                                         view<T> gradient, std::uint32_t seed) {
  const auto y = elements<Memory>(result);
  const auto dy = elements<Memory>(gradient);
  for_each_element(gradient, [&](int n, int c, int i, int j) {
    dy(n, c, i, j) *= detail::slope(then, y(n, c, i, j), seed, detail::drawn_index(then, gradient.extent, n, c, i, j));
  });
}

namespace detail {

/// dx (+)= dy[:, first channel … ], where dx has the fewer channels.
template <class T, layout Memory>
[[gnu::noinline]] void pass_gradient(plain_loops<T, Memory>&, view<const T> gradient, int first_channel, view<T> to,
                                     bool adds) {
  if (!to || to.data == gradient.data) { return; }
  const auto dy = elements<Memory>(gradient);
  const auto dx = elements<Memory>(to);
  if (!adds) { set_spare_lanes<Memory>(to); }
  for_each_element(to, [&](int n, int c, int i, int j) {
    const T value = dy(n, first_channel + c, i, j);
    dx(n, c, i, j) = adds ? dx(n, c, i, j) + value : value;
  });
}

}  // namespace detail

template <class T, layout Memory>
[[gnu::noinline]] void pointwise_backward(plain_loops<T, Memory>& on, const backward_pass<T>& b) {
  detail::pass_gradient<T, Memory>(on, b.dy, 0, b.dx[0], b.adds[0]);
}

template <class T, layout Memory>
[[gnu::noinline]] void add_forward(plain_loops<T, Memory>&, const forward_pass<T>& f) {
  const auto a = elements<Memory>(f.x[0]);
  const auto b = elements<Memory>(f.x[1]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int c, int i, int j) {
    const T sum = a(n, c, i, j) + b(n, c, i, j);
    y(n, c, i, j) = detail::apply(f.then, sum, f.seed, detail::element_index(f.y.extent, n, c, i, j));
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void add_backward(plain_loops<T, Memory>& on, const backward_pass<T>& b) {
  detail::pass_gradient<T, Memory>(on, b.dy, 0, b.dx[0], b.adds[0]);
  detail::pass_gradient<T, Memory>(on, b.dy, 0, b.dx[1], b.adds[1]);
}

template <class T, layout Memory>
[[gnu::noinline]] void concat_forward(plain_loops<T, Memory>&, const forward_pass<T>& f) {
  const int split = f.x[0].extent.channels;
  const auto a = elements<Memory>(f.x[0]);
  const auto b = elements<Memory>(f.x[1]);
  const auto y = elements<Memory>(f.y);
  set_spare_lanes<Memory>(f.y);
  for_each_element(
      f.y, [&](int n, int c, int i, int j) { y(n, c, i, j) = c < split ? a(n, c, i, j) : b(n, c - split, i, j); });
}

template <class T, layout Memory>
[[gnu::noinline]] void concat_backward(plain_loops<T, Memory>& on, const backward_pass<T>& b) {
  const int split = b.x[0].extent.channels;  // dx[0] is empty if the image is joined
  detail::pass_gradient<T, Memory>(on, b.dy, 0, b.dx[0], b.adds[0]);
  detail::pass_gradient<T, Memory>(on, b.dy, split, b.dx[1], b.adds[1]);
}

}  // namespace segx
