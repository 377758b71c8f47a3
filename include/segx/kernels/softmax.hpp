#pragma once

#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

/// y may be x, and dx may be dy.
template <class B>
concept has_softmax = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b) {
  softmax_forward(on, f);
  softmax_backward(on, b);
};

}  // namespace segx
