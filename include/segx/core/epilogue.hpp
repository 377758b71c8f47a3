#pragma once

namespace segx {

enum class activation : unsigned char { none, relu, sigmoid };

/// What a layer that makes a tensor does to each value just before it stores it: an activation, then dropout.
/// Passes over the graph move pointwise layers in here, so that no memory is read or written for them.
struct epilogue {
  activation act = activation::none;
  float dropout = 0;  // probability of a zero; the other values are scaled by 1 / (1 − dropout)

  constexpr bool empty() const { return act == activation::none && dropout == 0; }

  /// True if `next`, applied behind this one, is again an activation followed by dropout.
  constexpr bool accepts(epilogue next) const {
    const bool act_fits =
        next.act == activation::none || (act == activation::none && (dropout == 0 || next.act == activation::relu));
    return act_fits && (next.dropout == 0 || dropout == 0);
  }

  constexpr epilogue then(epilogue next) const {
    return {next.act == activation::none ? act : next.act, next.dropout == 0 ? dropout : next.dropout};
  }
};

}  // namespace segx
