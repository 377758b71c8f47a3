#pragma once

#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>
#include <segx/kernels/pool2d.hpp>

namespace segx {

template <class B>
concept has_max_pool2d = backend<B> && requires(B& on, pool2d_geometry g, const forward_pass<typename B::scalar>& f,
                                                const backward_pass<typename B::scalar>& b) {
  max_pool2d_forward(on, g, f);
  max_pool2d_backward(on, g, b);
};

/// What a backend needs to pool x: nothing, unless it says otherwise.
template <backend B>
constexpr workspace max_pool2d_workspace(std::type_identity<B>, const pool2d_geometry&, shape) {
  return {};
}

}  // namespace segx
