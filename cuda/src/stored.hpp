#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include <segx/cuda/kernels.hpp>

#ifdef __CUDACC__
#include <cuda_fp16.h>
#else
#include <segx/io/half.hpp>
#endif

namespace segx::gpu {

/// Numbers as they are stored, which become float32 for everything that is done with them.
struct bfloat16 {
  std::uint16_t bits;
};
struct float16 {
  std::uint16_t bits;
};

template <class T>
constexpr float to_float(T value) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    return std::bit_cast<float>(std::uint32_t{value.bits} << 16U);
  } else if constexpr (std::is_same_v<T, float16>) {
#ifdef __CUDACC__
    return __half2float(__half{__half_raw{value.bits}});
#else
    return half_to_float(value.bits);
#endif
  } else {
    return value;
  }
}

/// The nearest number, ties to even; NaN stays NaN.
template <class T>
constexpr T from_float(float value) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
    return {static_cast<std::uint16_t>((is_nan ? bits | 0x400000U : bits + 0x7fffU + (bits >> 16U & 1U)) >> 16U)};
  } else if constexpr (std::is_same_v<T, float16>) {
#ifdef __CUDACC__
    return {static_cast<__half_raw>(__float2half_rn(value)).x};
#else
    return {float_to_half(value)};
#endif
  } else {
    return value;
  }
}

/// Calls f(T{}) with the type that numbers are stored as.
template <class Function>
void with_stored(number stored, Function&& f) {
  switch (stored) {
    case number::float32:
      return f(float{});
    case number::bfloat16:
      return f(bfloat16{});
    case number::float16:
      return f(float16{});
  }
}

/// V channels of one pixel.
template <int V>
struct lanes {
  float at[V];
};

template <class T, int V>
struct alignas(sizeof(T) * V) stored_lanes {
  T at[V];
};

template <int V, class T>
constexpr lanes<V> load(const T* from) {
  const auto stored = *reinterpret_cast<const stored_lanes<T, V>*>(from);
  lanes<V> result{};
  for (int v = 0; v < V; ++v) { result.at[v] = to_float(stored.at[v]); }
  return result;
}
template <int V, class T>
constexpr void store(T* to, const lanes<V>& values) {
  stored_lanes<T, V> stored{};
  for (int v = 0; v < V; ++v) { stored.at[v] = from_float<T>(values.at[v]); }
  *reinterpret_cast<stored_lanes<T, V>*>(to) = stored;
}

}  // namespace segx::gpu
