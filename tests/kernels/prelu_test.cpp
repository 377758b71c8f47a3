#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/prelu.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("prelu agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const prelu_case& c : prelu_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of prelu match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const prelu_case& c : prelu_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, {c.x}), 20) < TestType::gradient);
  }
}
