#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/group_norm2d.hpp>

namespace segx {

struct instance_norm2d_options {
  double epsilon = 1e-5;
  bool affine = false;  // with γ and β, which are learned
};

/// Instance normalisation:  y[n,c,i,j] = (x[n,c,i,j] − mean[n,c]) / √(var[n,c] + ε),   · γ[c] + β[c] if affine
///
///   x, y [N,C,H,W]    γ, β [C]    mean, (biased) var [N,C] over the pixels of a channel
///
/// Each image alone, in training and deployed alike: there are no running statistics.
///
/// Source: Ulyanov, Vedaldi & Lempitsky, "Instance normalization", arXiv:1607.08022.
template <instance_norm2d_options O = instance_norm2d_options{}>
  requires(O.epsilon > 0)
struct instance_norm2d {
  static constexpr std::string_view name = "instance_norm2d";
  static constexpr group_norm2d_geometry geometry{.epsilon = O.epsilon};
  static constexpr std::array attributes{attribute{"epsilon", O.epsilon}};
  static constexpr layer_facts facts{.accepts_epilogue = true};

  static constexpr const char* refuses(shape x) {
    return x.plane() > 1 ? nullptr : "instance_norm2d: one pixel has no variance";
  }
  static constexpr shape output_shape(shape x) { return x; }

  static constexpr auto parameters(shape x) requires(O.affine) {
    return std::array{parameter{"weight", {x.channels}, init::one}, parameter{"bias", {x.channels}}};
  }

  template <backend B>
  static constexpr workspace needs(shape x) {
    return group_norm2d_workspace(std::type_identity<B>{}, x);
  }

  template <has_group_norm2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    group_norm2d_forward(on, geometry, f);
  }
  template <has_group_norm2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    group_norm2d_backward(on, geometry, b);
  }
};

}  // namespace segx
