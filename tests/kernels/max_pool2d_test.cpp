#include <catch2/catch.hpp>
#include <cmath>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/max_pool2d.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("max_pool2d agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const max_pool2d_case& c : max_pool2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of max_pool2d match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const max_pool2d_case& c : max_pool2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, {c.x}), 20) < TestType::gradient);
  }
}

SEGX_BACKEND_TEST("max_pool2d gives the gradient to the first of equal values", "[kernels]") {
  auto on = TestType::make();
  for (const max_pool2d_case& c : max_pool2d_cases()) {
    INFO(c.text());
    segx::testing::layer_inputs in = draw(c, c.batch, {c.x});
    for (double& v : in.x[0]) { v = std::max(0.0, std::round(v)); }  // as behind a ReLU: mostly ties
    check_agreement(on, c, in, TestType::exact);
  }
}
