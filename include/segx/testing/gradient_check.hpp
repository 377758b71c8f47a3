#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <segx/kernels/reference.hpp>
#include <segx/testing/compare.hpp>
#include <segx/testing/layer_run.hpp>

namespace segx::testing {

/// How far gradients are off, relative, where `backward` is to add them to others (of another reader of an input; those
/// of the learnables always), and where nobody wants that of the first input.
template <backend Backend, class Layer>
double added_error(Backend& on, const Layer& layer, const layer_inputs& in, const layer_gradients& alone) {
  layer_gradients start = alone;
  for (auto* arrays : {&start.x, &start.parameters}) {
    for (array& values : *arrays) {
      for (std::size_t i = 0; i < values.size(); ++i) { values[i] = 0.25 * static_cast<double>(i % 7) - 0.5; }
    }
  }
  double worst = 0;
  const auto compare = [&](const std::vector<array>& found, const std::vector<array>& others,
                           const std::vector<array>& gradients, std::size_t first) {
    for (std::size_t k = first; k < found.size(); ++k) {
      array expected = gradients[k];
      for (std::size_t i = 0; i < expected.size(); ++i) { expected[i] += others[k][i]; }
      worst = std::max(worst, relative_error(found[k], expected));
    }
  };
  layer_run added{on, layer, in};
  const layer_gradients sums = added.backward(added.forward(), start);
  compare(sums.x, start.x, alone.x, 0);
  compare(sums.parameters, start.parameters, alone.parameters, 0);
  layer_run unwanted{on, layer, in};
  const layer_gradients rest = unwanted.backward(unwanted.forward(), start, {false, true});
  compare(rest.x, start.x, alone.x, 1);
  compare(rest.parameters, start.parameters, alone.parameters, 0);
  return worst;
}

/// Checks the backward pass of a layer on a backend against finite differences: the largest relative error over the
/// gradients of all inputs and learnables, for the loss Σ y·r with a random r. Also where they are added to others: see
/// `added_error`.
///
/// Numeric: central differences of the forward pass on reference<double>, at no more than `at_most` places of each
/// array, spread evenly. Sound kernels stay under 1e-6 in double and 1e-3 in float.
template <backend Backend, class Layer>
double gradient_error(Backend& on, const Layer& layer, const layer_inputs& in, std::size_t at_most = 1000) {
  constexpr double step = 1e-5;
  reference<double> plain;
  const auto loss = [&](const layer_inputs& at) {
    const array y = layer_run{plain, layer, at}.forward();
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) { sum += y[i] * in.dy[i]; }
    return sum;
  };

  layer_run run{on, layer, in};
  const layer_gradients analytic = run.backward(run.forward());

  double worst = added_error(on, layer, in, analytic);
  layer_inputs moved = in;
  const auto compare = [&](array& at, const array& gradient) {
    array numeric;
    array found;
    const std::size_t count = std::min(at.size(), at_most);
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t i = k * at.size() / count;
      const double value = at[i];
      at[i] = value + step;
      const double above = loss(moved);
      at[i] = value - step;
      const double below = loss(moved);
      at[i] = value;
      numeric.push_back((above - below) / (2 * step));
      found.push_back(gradient[i]);
    }
    worst = std::max(worst, relative_error(found, numeric));
  };
  for (std::size_t k = 0; k < in.x.size(); ++k) { compare(moved.x[k], analytic.x[k]); }
  const std::vector<parameter> kinds = parameters(layer, in.extents);
  for (std::size_t p = 0; p < in.parameters.size(); ++p) {
    if (!kinds[p].is_statistic) { compare(moved.parameters[p], analytic.parameters[p]); }
  }
  return worst;
}

/// The same for a layer by its type, on inputs of these shapes:  gradient_error<conv3x3<8>>(on, 2, shape{3, 7, 5}) <
/// 1e-3
template <class Layer, backend Backend, class... Shapes>
double gradient_error(Backend& on, int batch, Shapes... x) {
  return gradient_error(on, Layer{}, draw(Layer{}, batch, {x...}));
}

}  // namespace segx::testing
