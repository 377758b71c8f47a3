#pragma once

#include <cstdint>
#include <type_traits>

#include <segx/core/shape.hpp>

namespace segx {

/// Non-owning [N,C,H,W] in the arena of a backend: `stride` values lie between one image and the next, and the
/// backend's `layout` says how one image is kept.
template <class T>
struct view {
  T* data = nullptr;
  int batch = 0;
  std::int64_t stride = 0;
  shape extent;

  constexpr T* image(int n) const { return data + n * stride; }
  constexpr explicit operator bool() const { return data != nullptr; }
  constexpr operator view<const T>() const requires(!std::is_const_v<T>) { return {data, batch, stride, extent}; }
};

}  // namespace segx
