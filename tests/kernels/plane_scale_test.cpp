#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/plane_scale.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("plane_scale agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const plane_scale_case& c : plane_scale_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, c.x, c.then), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of plane_scale match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const plane_scale_case& c : plane_scale_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, c.x, c.then), 5) < TestType::gradient);
  }
}
