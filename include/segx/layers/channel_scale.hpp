#pragma once

#include <string_view>
#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/channel_scale.hpp>

namespace segx {

/// Each channel times a factor of its own:  y[n,c,i,j] = x[n,c,i,j] · factor[n,c]
///
///   x [N,C,H,W]    factor [N,C,1,1]    y [N,C,H,W]
struct channel_scale {
  static constexpr std::string_view name = "channel_scale";
  static constexpr layer_facts facts{.accepts_epilogue = true};

  static constexpr const char* refuses(shape x, shape factor) {
    return factor == shape{x.channels, 1, 1} ? nullptr : "channel_scale: expected one factor for each channel, [C,1,1]";
  }
  static constexpr shape output_shape(shape x, shape /*factor*/) { return x; }

  template <backend B>
  static constexpr workspace needs(shape x, shape /*factor*/) {
    return channel_scale_workspace(std::type_identity<B>{}, x);
  }

  template <has_channel_scale B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    channel_scale_forward(on, f);
  }
  template <has_channel_scale B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    channel_scale_backward(on, b);
  }
};

}  // namespace segx
