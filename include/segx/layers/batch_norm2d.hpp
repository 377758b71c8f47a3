#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/batch_norm2d.hpp>

namespace segx {

struct batch_norm2d_options {
  double epsilon = 1e-5;
  double momentum = 0.1;  // share of a batch in the running statistics
};

/// Batch normalisation:  y[n,c,i,j] = γ[c] · (x[n,c,i,j] − mean[c]) / √(var[c] + ε) + β[c]
///
///   x, y [N,C,H,W]    γ, β, running mean and variance [C]
///
/// In training, mean and (biased) variance are those of the batch; each step moves the running ones towards them, the
/// variance unbiased, by the share `momentum`. Deployed, the running ones are used: behind a convolution the layer is
/// gone, as it moves into the convolution's weights.
///
/// Source: Ioffe & Szegedy, "Batch normalization", ICML 2015, arXiv:1502.03167.
template <batch_norm2d_options O = batch_norm2d_options{}>
  requires(O.epsilon > 0 && O.momentum >= 0 && O.momentum <= 1)
struct batch_norm2d {
  static constexpr std::string_view name = "batch_norm2d";
  static constexpr batch_norm2d_geometry geometry{O.epsilon, O.momentum};
  static constexpr std::array attributes{attribute{"epsilon", O.epsilon}};
  static constexpr layer_facts facts{.accepts_epilogue = true, .normalises = true};

  static constexpr shape output_shape(shape x) { return x; }

  static constexpr auto parameters(shape x) {
    return std::array{parameter{"weight", {x.channels}, init::one}, parameter{"bias", {x.channels}},
                      parameter::statistic("running_mean", x.channels, init::zero),
                      parameter::statistic("running_var", x.channels, init::one)};
  }

  template <backend B>
  static constexpr workspace needs(shape x) {
    return batch_norm2d_workspace(std::type_identity<B>{}, x);
  }

  template <has_batch_norm2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    batch_norm2d_forward(on, geometry, f);
  }
  template <has_batch_norm2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    batch_norm2d_backward(on, geometry, b);
  }
};

}  // namespace segx
