#pragma once

#include <cstdint>
#include <vector>

#include <xtensor/xtensor.hpp>

#include <segx/core/random.hpp>
#include <segx/core/shape.hpp>

/// The values of a batch, which Catch can compare and print (xtensor's operators take its expressions for their own).
template <class T>
std::vector<T> values_of(const xt::xtensor<T, 4>& batch) {
  return {batch.data(), batch.data() + batch.size()};
}

/// A batch [N,C,H,W] of random values in [−0.5, 0.5) that floats hold exactly; the same for the same seed.
template <class T>
xt::xtensor<T, 4> drawn(int batch, segx::shape s, std::uint64_t seed) {
  auto values = xt::xtensor<T, 4>::from_shape({static_cast<std::size_t>(batch), static_cast<std::size_t>(s.channels),
                                               static_cast<std::size_t>(s.height), static_cast<std::size_t>(s.width)});
  segx::random_generator random{seed};
  for (T& v : values) { v = static_cast<T>(static_cast<float>(random.uniform() - 0.5)); }
  return values;
}
