#pragma once

#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

struct batch_norm2d_geometry {
  double epsilon = 1e-5;  // added to variances
  double momentum = 0.1;  // share of a batch's statistics in the running ones
};

/// Floats that a batch normalisation of C channels keeps from the forward to the backward pass: mean and 1 / √(var + ε)
/// of each channel, with the first image.
constexpr int batch_norm2d_kept(int channels) { return 2 * channels; }

/// `parameters` are weight γ, bias β, running mean and running variance, all [C].
template <class B>
concept has_batch_norm2d = backend<B> &&
    requires(B& on, batch_norm2d_geometry g, const forward_pass<typename B::scalar>& f,
             const backward_pass<typename B::scalar>& b) {
  batch_norm2d_forward(on, g, f);
  batch_norm2d_backward(on, g, b);
};

/// What a backend needs to normalise x, unless it says otherwise.
template <backend B>
constexpr workspace batch_norm2d_workspace(std::type_identity<B>, shape x) {
  return {.kept = batch_norm2d_kept(x.channels)};
}

}  // namespace segx
