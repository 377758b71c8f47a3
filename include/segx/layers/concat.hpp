#pragma once

#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/elementwise.hpp>

namespace segx {

/// The skip connection of the U-Net: y = [skipped; x], joined along the channels. Where the plan of memory allows, its
/// inputs are written into their place in y at once, and nothing is left to do here.
///
///   skipped [N,C,H,W]    x [N,D,H,W]    y [N,C+D,H,W]
struct concat {
  static constexpr std::string_view name = "concat";
  static constexpr layer_facts facts{.joins_channels = true, .backward_reads_input = false};

  static constexpr const char* refuses(shape skipped, shape x) {
    return same_plane(skipped, x) ? nullptr : "concat: both inputs need the same height and width";
  }
  static constexpr shape output_shape(shape skipped, shape x) {
    return {skipped.channels + x.channels, x.height, x.width};
  }

  template <has_concat B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    concat_forward(on, f);
  }
  template <has_concat B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    concat_backward(on, b);
  }
};

}  // namespace segx
