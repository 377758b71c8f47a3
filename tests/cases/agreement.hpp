#pragma once

#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include <segx/core/describe.hpp>
#include <segx/kernels/reference.hpp>
#include <segx/testing/compare.hpp>
#include <segx/testing/gradient_check.hpp>
#include <segx/testing/layer_run.hpp>

/// Checks one layer on one backend against reference<double>: the result, the gradients written, the gradients added,
/// and, where the layer gates, those in front of a ReLU.
template <segx::backend Backend, class Layer>
void check_agreement(Backend& on, const Layer& layer, const segx::testing::layer_inputs& drawn, double bound) {
  using namespace segx::testing;
  const layer_inputs in = layer_run<Backend, Layer>::as_held(on, layer, drawn);
  segx::reference<double> plain;
  layer_run expected{plain, layer, in};
  layer_run found{on, layer, in};

  const array y = expected.forward();
  CHECK(relative_error(found.forward(), y) < bound);
  const array held = found.held(y);
  const auto check = [&](const layer_gradients& a, const layer_gradients& b) {
    for (std::size_t k = 0; k < b.x.size(); ++k) { CHECK(relative_error(a.x[k], b.x[k]) < bound); }
    for (std::size_t p = 0; p < b.parameters.size(); ++p) {
      CHECK(relative_error(a.parameters[p], b.parameters[p]) < bound);
    }
  };
  check(found.backward(held), expected.backward(held));
  const layer_gradients start = draw_gradients(in);
  check(found.backward(held, start), expected.backward(held, start));
  const std::array<bool, 2> only_second{false, true};
  layer_gradients without_first = expected.backward(held, start);
  without_first.x[0].clear();
  check(found.backward(held, start, only_second), without_first);

  if (!found.gates()) { return; }
  constexpr float scale = 1.25F;
  for (const bool adds : {false, true}) {
    const auto from = adds ? std::optional{start} : std::nullopt;
    layer_gradients in_front = expected.backward(held, from);
    for (std::size_t i = 0; i < in.x[0].size(); ++i) { in_front.x[0][i] *= in.x[0][i] > 0 ? scale : 0; }
    check(found.backward(held, from, {true, true}, scale), in_front);
  }
}

inline std::string text_of(const segx::epilogue& then) {
  constexpr const char* names[] = {"",          ", relu",         ", relu6", ", leaky_relu", ", elu",
                                   ", sigmoid", ", hard_sigmoid", ", silu",  ", hard_swish"};
  return names[static_cast<int>(then.act)] + (then.dropout > 0 ? ", dropout " + std::to_string(then.dropout) : "");
}
