#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/group_norm2d.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("group_norm2d agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const group_norm2d_case& c : group_norm2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, c.x, c.then), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of group_norm2d match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const group_norm2d_case& c : group_norm2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, c.x, c.then), 20) < TestType::gradient);
  }
}
