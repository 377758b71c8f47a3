#pragma once

#include <type_traits>

#include <segx/core/graph.hpp>
#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

struct group_norm2d_geometry {
  int groups = 0;         // of channels that are normalised together; 0: each channel alone
  double epsilon = 1e-5;  // added to variances

  constexpr int channels_of_group(int channels) const { return groups == 0 ? 1 : channels / groups; }
};

/// Floats that a group normalisation of C channels keeps of each image: mean and 1 / √(var + ε) as each channel sees
/// them.
constexpr int group_norm2d_kept(int channels) { return 2 * channels; }

/// `parameters` are weight γ and bias β [C], or null.
template <class B>
concept has_group_norm2d = backend<B> &&
    requires(B& on, group_norm2d_geometry g, const forward_pass<typename B::scalar>& f,
             const backward_pass<typename B::scalar>& b) {
  group_norm2d_forward(on, g, f);
  group_norm2d_backward(on, g, b);
};

/// What a backend needs to normalise x, unless it says otherwise.
template <backend B>
constexpr workspace group_norm2d_workspace(std::type_identity<B>, shape x) {
  const int floats = group_norm2d_kept(x.channels);
  return {.scratch = floats, .scratch_backward = floats, .kept = floats};
}

}  // namespace segx
