#pragma once

#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

struct prelu_geometry {
  bool shared = false;  // one slope for all channels

  constexpr int slope_of(int channel) const { return shared ? 0 : channel; }
};

/// `parameters` is the slope [C], or [1] where it is shared. y may be x, and dx may be dy.
template <class B>
concept has_prelu = backend<B> && requires(B& on, prelu_geometry g, const forward_pass<typename B::scalar>& f,
                                           const backward_pass<typename B::scalar>& b) {
  prelu_forward(on, g, f);
  prelu_backward(on, g, b);
};

}  // namespace segx
