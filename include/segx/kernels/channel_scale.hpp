#pragma once

#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

template <class B>
concept has_channel_scale = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b) {
  channel_scale_forward(on, f);
  channel_scale_backward(on, b);
};

}  // namespace segx
