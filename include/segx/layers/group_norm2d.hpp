#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/core/real.hpp>
#include <segx/kernels/group_norm2d.hpp>

namespace segx {

/// Group normalisation:  y[n,c,i,j] = γ[c] · (x[n,c,i,j] − mean[n,g]) / √(var[n,g] + ε) + β[c]
///
///   x, y [N,C,H,W]    γ, β [C]    mean, (biased) var [N,Groups] over the C / Groups channels of group g and all pixels
///
/// Each image alone, in training and deployed alike, so batches may be small. Groups = 1 normalises whole images.
///
/// Source: Wu & He, "Group normalization", ECCV 2018, arXiv:1803.08494.
template <int Groups, real Epsilon = 1e-5>
  requires(Groups > 0 && Epsilon > 0)
struct group_norm2d {
  static constexpr std::string_view name = "group_norm2d";
  static constexpr group_norm2d_geometry geometry{Groups, Epsilon};
  static constexpr std::array attributes{attribute{"groups", Groups}, attribute{"epsilon", Epsilon}};
  static constexpr layer_facts facts{.accepts_epilogue = true};

  static constexpr const char* refuses(shape x) {
    return x.channels % Groups == 0 ? nullptr : "group_norm2d: the channels cannot be split into so many groups";
  }
  static constexpr shape output_shape(shape x) { return x; }

  static constexpr auto parameters(shape x) {
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
