#pragma once

#include <limits>

namespace segx {

enum class activation : unsigned char {
  none,
  relu,          ///< max(x, 0)
  relu6,         ///< min(max(x, 0), 6)
  leaky_relu,    ///< x > 0 ? x : slope · x
  elu,           ///< x > 0 ? x : slope · (e^x − 1)
  sigmoid,       ///< 1 / (1 + e^−x)
  hard_sigmoid,  ///< min(max(x + 3, 0), 6) / 6
  silu,          ///< x · sigmoid(x)
  hard_swish,    ///< x · hard_sigmoid(x)
  softmax        ///< over the channels; only as the head of a network
};

/// True if the slope of an activation can be told from its result, so that backward passes need not keep its input.
constexpr bool slope_follows_from_result(activation act) {
  return act != activation::silu && act != activation::hard_swish;
}

/// What no result of an activation exceeds.
constexpr float largest_result(activation act) {
  if (act == activation::relu6) { return 6; }
  const bool is_share = act == activation::sigmoid || act == activation::hard_sigmoid || act == activation::softmax;
  return is_share ? 1 : std::numeric_limits<float>::infinity();
}

/// What a layer that makes a tensor does to each value just before it stores it: an activation, then dropout.
/// Passes over the graph move pointwise layers in here, so that no memory is read or written for them.
struct epilogue {
  activation act = activation::none;
  float dropout = 0;          // probability of a zero; the other values are scaled by 1 / (1 − dropout)
  float slope = 0;            // of leaky_relu and elu, above 0
  bool whole_image = false;   // dropout takes all of an image or nothing (stochastic depth); never fused
  bool precedes_sum = false;  // a second input, which the layer adds, is added behind it instead of in front

  constexpr bool empty() const { return act == activation::none && dropout == 0; }

  /// True if `next`, applied behind this one, is again an activation followed by dropout.
  constexpr bool accepts(epilogue next) const {
    const bool act_fits =
        next.act == activation::none || (act == activation::none && (dropout == 0 || next.act == activation::relu));
    return act_fits && (next.dropout == 0 || dropout == 0) && !whole_image && !next.whole_image && !precedes_sum;
  }

  constexpr epilogue then(epilogue next) const {
    const epilogue& acts = next.act == activation::none ? *this : next;
    return {acts.act, next.dropout == 0 ? dropout : next.dropout, acts.slope};
  }

  friend constexpr bool operator==(const epilogue&, const epilogue&) = default;
};

}  // namespace segx
