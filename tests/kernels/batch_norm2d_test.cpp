#include <catch2/catch.hpp>
#include <cstddef>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/batch_norm2d.hpp"

using segx::testing::array;
using segx::testing::gradient_error;
using segx::testing::layer_gradients;
using segx::testing::layer_inputs;
using segx::testing::layer_run;
using segx::testing::relative_error;

SEGX_BACKEND_TEST("batch_norm2d agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const batch_norm2d_case& c : batch_norm2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, c.inputs(), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of batch_norm2d match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const batch_norm2d_case& c : batch_norm2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, c.inputs(), 20) < TestType::gradient);
  }
}

namespace {

/// What a step takes from the running statistics: the share `momentum` of their distance from the batch's, the variance
/// unbiased.
struct movement {
  array mean, variance;

  movement(const batch_norm2d_case& c, const layer_inputs& in) {
    const segx::shape s = c.x[0];
    const double count = static_cast<double>(c.batch) * static_cast<double>(s.plane());
    const auto sum_of_channel = [&](int channel, auto&& term) {
      double sum = 0;
      for (int n = 0; n < c.batch; ++n) {
        const auto first = static_cast<std::size_t>((n * s.channels + channel) * s.plane());
        for (std::size_t i = 0; i < static_cast<std::size_t>(s.plane()); ++i) { sum += term(in.x[0][first + i]); }
      }
      return sum;
    };
    for (int channel = 0; channel < s.channels; ++channel) {
      const double m = sum_of_channel(channel, [](double v) { return v; }) / count;
      const double v = sum_of_channel(channel, [m](double v) { return (v - m) * (v - m); }) / (count - 1);
      mean.push_back(c.geometry.momentum * (in.parameters[2][mean.size()] - m));
      variance.push_back(c.geometry.momentum * (in.parameters[3][variance.size()] - v));
    }
  }
};

}  // namespace

SEGX_BACKEND_TEST("batch_norm2d moves its running statistics towards the batch's, and only by these", "[kernels]") {
  auto on = TestType::make();
  for (const batch_norm2d_case& c : batch_norm2d_cases()) {
    INFO(c.text());
    const layer_inputs in = layer_run<typename TestType::type, batch_norm2d_case>::as_held(on, c, c.inputs());
    layer_run run{on, c, in};
    const layer_gradients found = run.backward(run.forward());
    if (c.batch_statistics) {
      const movement expected{c, in};
      CHECK(relative_error(found.parameters[2], expected.mean) < TestType::exact);
      CHECK(relative_error(found.parameters[3], expected.variance) < TestType::exact);
    } else {
      const array nothing(static_cast<std::size_t>(c.x[0].channels), 0.0);
      CHECK(found.parameters[2] == nothing);
      CHECK(found.parameters[3] == nothing);
    }
  }
}
