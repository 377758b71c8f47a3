#pragma once

#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/elementwise.hpp>

namespace segx {

/// The skip connection of LinkNet and ResNet: y = skipped + x, all [N,C,H,W].
struct add {
  static constexpr std::string_view name = "add";
  static constexpr layer_facts facts{.accepts_epilogue = true, .adds_inputs = true, .backward_reads_input = false};

  static constexpr const char* refuses(shape skipped, shape x) {
    return skipped == x ? nullptr : "add: both inputs need the same shape";
  }
  static constexpr shape output_shape(shape /*skipped*/, shape x) { return x; }

  template <has_add B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    add_forward(on, f);
  }
  template <has_add B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    add_backward(on, b);
  }
};

}  // namespace segx
