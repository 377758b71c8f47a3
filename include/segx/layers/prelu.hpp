#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/prelu.hpp>

namespace segx {

struct prelu_options {
  bool shared = false;  // one slope for all channels
};

/// y[n,c,i,j] = x for x > 0, else a[c] · x,   x = x[n,c,i,j], with learned slopes a, which start at ¼.
///
///   x, y [N,C,H,W]    a [C], or [1] if shared
///
/// Source: He et al., "Delving deep into rectifiers", ICCV 2015, arXiv:1502.01852.
template <prelu_options O = prelu_options{}>
struct prelu {
  static constexpr std::string_view name = "prelu";
  static constexpr prelu_geometry geometry{O.shared};
  static constexpr layer_facts facts{.in_place = true};

  static constexpr shape output_shape(shape x) { return x; }

  static constexpr auto parameters(shape x) {
    return std::array{parameter{"weight", {O.shared ? 1 : x.channels}, init::quarter}};
  }

  template <has_prelu B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    prelu_forward(on, geometry, f);
  }
  template <has_prelu B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    prelu_backward(on, geometry, b);
  }
};

}  // namespace segx
