#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/upsample2d.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("upsample2d agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const upsample2d_case& c : upsample2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of upsample2d match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const upsample2d_case& c : upsample2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, {c.x}), 20) < TestType::gradient);
  }
}
