#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/upsample2d.hpp>

namespace segx {

struct upsample2d_options {
  int factor = 2;
  interpolation mode = interpolation::nearest;
  bool align_corners = false;  // bilinear only
};

/// Enlarges an image by a whole factor, without weights; the numbers are PyTorch's Upsample.
///
///   nearest:   y[n,c,i,j] = x[n, c, ⌊i / factor⌋, ⌊j / factor⌋]
///   bilinear:  y[n,c,i,j] is x at row r(i) and column r(j), linear between pixels, with
///              r(i) = (i + ½) / factor − ½, at least 0           or, if align_corners,
///              r(i) = i · (H − 1) / (factor·H − 1)
///
///   x [N,C,H,W]    y [N,C,factor·H,factor·W]
///
/// Source: Odena, Dumoulin & Olah, "Deconvolution and checkerboard artifacts", Distill 2016, for its place in decoders.
template <upsample2d_options O>
  requires(O.factor > 1 && !(O.mode == interpolation::nearest && O.align_corners))
struct upsample2d {
  static constexpr std::string_view name = O.mode == interpolation::nearest ? "upsample_nearest" : "upsample_bilinear";
  static constexpr upsample2d_geometry geometry{O.factor, O.mode, O.align_corners};
  static constexpr std::array attributes{attribute{"factor", O.factor},
                                         O.align_corners ? attribute{"align_corners", 1} : attribute{}};
  static constexpr layer_facts facts{.backward_reads_input = false};

  static constexpr shape output_shape(shape x) { return {x.channels, x.height * O.factor, x.width * O.factor}; }

  template <has_upsample2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    upsample2d_forward(on, geometry, f);
  }
  template <has_upsample2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    upsample2d_backward(on, geometry, b);
  }
};

template <int Factor>
using upsample_nearest = upsample2d<upsample2d_options{.factor = Factor}>;

template <int Factor>
using upsample_bilinear = upsample2d<upsample2d_options{.factor = Factor, .mode = interpolation::bilinear}>;

}  // namespace segx
