#pragma once

#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

template <class B>
concept has_global_avg_pool2d = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b) {
  global_avg_pool2d_forward(on, f);
  global_avg_pool2d_backward(on, b);
};

}  // namespace segx
