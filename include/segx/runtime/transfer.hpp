#pragma once

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

/// … and back, through the activation at the end of a network.
template <class T, layout Memory>
void copy_out(plain_loops<T, Memory>&, const view<T>& from, activation head, T* nchw) {
  const auto value = elements<Memory>(from);
  for_each_element(from, [&](int n, int c, int i, int j) { *nchw++ = detail::apply(head, value(n, c, i, j)); });
}

}  // namespace segx
