#pragma once

#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

template <class B>
concept has_plane_scale = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b) {
  plane_scale_forward(on, f);
  plane_scale_backward(on, b);
};

}  // namespace segx
