#pragma once

#include <segx/kernels/conv2d.hpp>
#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

namespace detail {

/// Calls f(k, c, i, j, h, w, weight_index) for every product of a convolution from x to y:
/// y[k,i,j] meets x[c,h,w] through weight[weight_index], with weight [K,C/groups,R,R].
void for_each_product(const conv2d_geometry& g, shape x, shape y, auto&& f) {
  const int group_in = x.channels / g.groups;
  const int group_out = y.channels / g.groups;
  for (int k = 0; k < y.channels; ++k) {
    for (int i = 0; i < y.height; ++i) {
      for (int j = 0; j < y.width; ++j) {
        for (int c = 0; c < group_in; ++c) {
          for (int r = 0; r < g.kernel; ++r) {
            for (int s = 0; s < g.kernel; ++s) {
              const int h = i * g.stride + r * g.dilation - g.padding;
              const int w = j * g.stride + s * g.dilation - g.padding;
              if (h < 0 || w < 0 || h >= x.height || w >= x.width) { continue; }
              f(k, k / group_out * group_in + c, i, j, h, w, ((k * group_in + c) * g.kernel + r) * g.kernel + s);
            }
          }
        }
      }
    }
  }
}

/// Adds the sum of dy over images and pixels to db, if there is a bias.
template <layout Memory, class T>
void add_bias_gradient(view<const T> dy, T* db) {
  if (db == nullptr) { return; }
  const auto value = elements<Memory>(dy);
  for_each_element(dy, [&](int n, int c, int i, int j) { db[c] += value(n, c, i, j); });
}

/// Sets dx to zero unless it holds somebody's gradient already.
template <class T, layout Memory>
void start_gradient(plain_loops<T, Memory>&, view<T> dx, bool adds) {
  if (adds) { return; }
  for (int n = 0; n < dx.batch; ++n) {
    T* image = dx.image(n);
    for (std::int64_t p = 0; p < Memory.floats(dx.extent); ++p) { image[p] = 0; }
  }
}

}  // namespace detail

/// y[n,k,i,j] = b[k] + Σ_{c,r,s} w[k,c,r,s] · x[n, c, i·stride + r·dilation − padding, j·stride + s·dilation − padding]
template <class T, layout Memory>
[[gnu::noinline]] void conv2d_forward(plain_loops<T, Memory>&, const conv2d_geometry& g, const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  const T* weight = f.parameters[0];
  const T* bias = f.parameters[1];
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int k, int i, int j) { y(n, k, i, j) = bias == nullptr ? T{} : bias[k]; });
  for (int n = 0; n < f.y.batch; ++n) {
    detail::for_each_product(g, f.x[0].extent, f.y.extent, [&](int k, int c, int i, int j, int h, int w, int wi) {
      y(n, k, i, j) += weight[wi] * x(n, c, h, w);
    });
  }
  for_each_element(f.y, [&](int n, int k, int i, int j) {
    y(n, k, i, j) = detail::apply(f.then, y(n, k, i, j), f.seed, detail::element_index(f.y.extent, n, k, i, j));
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void conv2d_backward(plain_loops<T, Memory>& on, const conv2d_geometry& g,
                                       const backward_pass<T>& b) {
  const auto x = elements<Memory>(b.x[0]);
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  const T* weight = b.parameters[0];
  const bool wants_dx = static_cast<bool>(b.dx[0]);
  if (wants_dx) { detail::start_gradient(on, b.dx[0], b.adds[0]); }
  for (int n = 0; n < b.dy.batch; ++n) {
    detail::for_each_product(g, b.x[0].extent, b.dy.extent, [&](int k, int c, int i, int j, int h, int w, int wi) {
      if (wants_dx) { dx(n, c, h, w) += weight[wi] * dy(n, k, i, j); }
      b.dparameters[0][wi] += x(n, c, h, w) * dy(n, k, i, j);
    });
  }
  detail::add_bias_gradient<Memory, T>(b.dy, b.dparameters[1]);
}

/// Scatters: y[n,k, i·stride + r·dilation − padding, j·stride + s·dilation − padding] += w[c,k,r,s] · x[n,c,i,j], on
/// b[k]. It is a convolution from y to x with x and y exchanged, so the same products serve it.
template <class T, layout Memory>
[[gnu::noinline]] void conv_transpose2d_forward(plain_loops<T, Memory>&, const conv2d_geometry& g,
                                                const forward_pass<T>& f) {
  const auto x = elements<Memory>(f.x[0]);
  const auto y = elements<Memory>(f.y);
  const T* weight = f.parameters[0];
  const T* bias = f.parameters[1];
  set_spare_lanes<Memory>(f.y);
  for_each_element(f.y, [&](int n, int k, int i, int j) { y(n, k, i, j) = bias == nullptr ? T{} : bias[k]; });
  for (int n = 0; n < f.y.batch; ++n) {
    detail::for_each_product(g, f.y.extent, f.x[0].extent, [&](int c, int k, int i, int j, int h, int w, int wi) {
      y(n, k, h, w) += weight[wi] * x(n, c, i, j);
    });
  }
  for_each_element(f.y, [&](int n, int k, int i, int j) {
    y(n, k, i, j) = detail::apply(f.then, y(n, k, i, j), f.seed, detail::element_index(f.y.extent, n, k, i, j));
  });
}

template <class T, layout Memory>
[[gnu::noinline]] void conv_transpose2d_backward(plain_loops<T, Memory>& on, const conv2d_geometry& g,
                                                 const backward_pass<T>& b) {
  const auto x = elements<Memory>(b.x[0]);
  const auto dy = elements<Memory>(b.dy);
  const auto dx = elements<Memory>(b.dx[0]);
  const T* weight = b.parameters[0];
  const bool wants_dx = static_cast<bool>(b.dx[0]);
  if (wants_dx) { detail::start_gradient(on, b.dx[0], b.adds[0]); }
  for (int n = 0; n < b.dy.batch; ++n) {
    detail::for_each_product(g, b.dy.extent, b.x[0].extent, [&](int c, int k, int i, int j, int h, int w, int wi) {
      if (wants_dx) { dx(n, c, i, j) += weight[wi] * dy(n, k, h, w); }
      b.dparameters[0][wi] += x(n, c, i, j) * dy(n, k, h, w);
    });
  }
  detail::add_bias_gradient<Memory, T>(b.dy, b.dparameters[1]);
}

}  // namespace segx
