#pragma once

#include <bit>
#include <cstdint>

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

constexpr float to_float(float value) { return value; }
constexpr float to_float(bfloat16 value) { return std::bit_cast<float>(std::uint32_t{value.bits} << 16U); }
constexpr float to_float(float16 value) {
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(value.bits));
#elif defined(__CUDACC__)
  return static_cast<float>(value.bits);  // nvcc's pass for the host, which never runs kernels
#else
  return half_to_float(value.bits);
#endif
}

/// The nearest number, ties to even; NaN stays NaN.
template <class T>
constexpr T from_float(float value) {
  return value;
}
template <>
constexpr bfloat16 from_float<bfloat16>(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) { return {static_cast<std::uint16_t>(bits >> 16U | 0x40U)}; }
  return {static_cast<std::uint16_t>((bits + 0x7fffU + (bits >> 16U & 1U)) >> 16U)};
}
template <>
constexpr float16 from_float<float16>(float value) {
#ifdef __CUDA_ARCH__
  return {__half_as_ushort(__float2half_rn(value))};
#elif defined(__CUDACC__)
  return {static_cast<std::uint16_t>(value)};
#else
  return {float_to_half(value)};
#endif
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
