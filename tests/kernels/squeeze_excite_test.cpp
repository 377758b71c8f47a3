#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/squeeze_excite.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("global_avg_pool2d and channel_scale agree with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const auto& c : global_avg_pool2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, c.x), TestType::exact);
  }
  for (const auto& c : channel_scale_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, c.x, c.then), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of global_avg_pool2d and channel_scale match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const auto& c : global_avg_pool2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, c.x), 5) < TestType::gradient);
  }
  for (const auto& c : channel_scale_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, c.x, c.then), 5) < TestType::gradient);
  }
}
