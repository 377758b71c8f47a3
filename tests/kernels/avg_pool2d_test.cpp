#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/avg_pool2d.hpp"
#include "cases/backends.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("avg_pool2d agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const avg_pool2d_case& c : avg_pool2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of avg_pool2d match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const avg_pool2d_case& c : avg_pool2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, {c.x}), 20) < TestType::gradient);
  }
}
