#pragma once

#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

template <class B>
concept has_channel_scale = backend<B> &&
    requires(B& on, const forward_pass<typename B::scalar>& f, const backward_pass<typename B::scalar>& b) {
  channel_scale_forward(on, f);
  channel_scale_backward(on, b);
};

/// What a backend needs to scale x: nothing, unless it says otherwise.
template <backend B>
constexpr workspace channel_scale_workspace(std::type_identity<B>, shape) {
  return {};
}

}  // namespace segx
