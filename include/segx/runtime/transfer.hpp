#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include <segx/kernels/reference/plain_loops.hpp>

namespace segx {

/// Images between [N,C,H,W] of the user and the arena of a backend that computes in the user's memory.
template <class T, layout Memory>
void copy_in(plain_loops<T, Memory>&, const T* nchw, const view<T>& to) {
  const auto value = elements<Memory>(to);
  set_spare_lanes<Memory>(to);
  for_each_element(to, [&](int n, int c, int i, int j) { value(n, c, i, j) = *nchw++; });
}

namespace detail {

/// p[n,c,i,j] = exp(z[n,c,i,j] − m) / Σ_k exp(z[n,k,i,j] − m), m the largest of the pixel's logits.
template <layout Memory, class T>
void copy_softmax(const view<T>& from, T* nchw) {
  const auto value = elements<Memory>(from);
  const shape s = from.extent;
  for (int n = 0; n < from.batch; ++n, nchw += s.size()) {
    for (int i = 0; i < s.height; ++i) {
      for (int j = 0; j < s.width; ++j) {
        T* to = nchw + std::int64_t{i} * s.width + j;
        T largest = value(n, 0, i, j);
        for (int c = 1; c < s.channels; ++c) { largest = std::max(largest, value(n, c, i, j)); }
        T sum = 0;
        for (int c = 0; c < s.channels; ++c) { sum += to[c * s.plane()] = std::exp(value(n, c, i, j) - largest); }
        for (int c = 0; c < s.channels; ++c) { to[c * s.plane()] /= sum; }
      }
    }
  }
}

}  // namespace detail

/// … and back, through the activation at the end of a network.
template <class T, layout Memory>
void copy_out(plain_loops<T, Memory>&, const view<T>& from, activation head, T* nchw) {
  const auto value = elements<Memory>(from);
  if (head == activation::softmax) { return detail::copy_softmax<Memory>(from, nchw); }
  for_each_element(from, [&](int n, int c, int i, int j) { *nchw++ = detail::apply(head, T{}, value(n, c, i, j)); });
}

}  // namespace segx
