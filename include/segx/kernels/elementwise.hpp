#pragma once

#include <cmath>
#include <cstdint>

#include <segx/core/epilogue.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

/// Pointwise layers (activations, dropout), sums and joins. One set of kernels serves pointwise layers that stand alone
/// and the gradients of those that were fused into the epilogue of another layer.
template <class B>
concept has_pointwise = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b,
             epilogue then, view<const typename B::scalar> y, view<typename B::scalar> dy) {
  pointwise_forward(on, f);   // y = then(x); y may be x
  pointwise_backward(on, b);  // dx (+)= dy; dx may be dy
  // dy *= then'(…), from the result y, or from the input where slopes do not follow from results
  epilogue_backward(on, then, y, dy, 0U);
};

template <class B>
concept has_add = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b) {
  add_forward(on, f);
  add_backward(on, b);
};

template <class B>
concept has_concat = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b) {
  concat_forward(on, f);
  concat_backward(on, b);
};

/// 32 well-mixed bits for a counter: dropout draws by place, not by order, so that every backend and any number of
/// threads drop the same values. Source: C. Wellons, "Prospecting for hash functions", 2018 (lowbias32).
constexpr std::uint32_t hash32(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352dU;
  x = (x ^ (x >> 15)) * 0x846ca68bU;
  return x ^ (x >> 16);
}

/// Element `index` of a tensor, counted in [N,C,H,W], stays if its hash reaches this threshold.
constexpr std::uint32_t dropout_threshold(float probability) {
  return static_cast<std::uint32_t>(probability * 16777216.0F) << 8U;
}
constexpr bool survives_dropout(std::uint32_t seed, std::uint32_t index, std::uint32_t threshold) {
  return hash32(index ^ seed) >= threshold;
}

}  // namespace segx
