#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include <segx/kernels/elementwise.hpp>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/elementwise.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_BACKEND_TEST("activations and dropout agree with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const elementwise_case& values : elementwise_cases(1)) {
    INFO(values.text());
    const pointwise_case c{values};
    check_agreement(on, c, draw(c, c.batch, c.x, c.then), TestType::exact);
  }
}

SEGX_BACKEND_TEST("add agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const elementwise_case& values : elementwise_cases(2)) {
    INFO(values.text());
    const add_case c{values};
    check_agreement(on, c, draw(c, c.batch, c.x, c.then), TestType::exact);
  }
}

SEGX_BACKEND_TEST("concat agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const concat_case& c : concat_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, c.x), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of activations, dropout, add and concat match finite differences",
                   "[kernels][gradient]") {
  auto on = TestType::make();
  const auto check = [&on](const auto& c) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, c.x, c.then), 20) < TestType::gradient);
  };
  for (const elementwise_case& values : elementwise_cases(1)) { check(pointwise_case{values}); }
  for (const elementwise_case& values : elementwise_cases(2)) { check(add_case{values}); }
  for (const concat_case& c : concat_cases()) { check(c); }
}

TEST_CASE("dropout lets the promised part of the values fall, whatever the seed", "[kernels]") {
  for (const float probability : {0.1F, 0.5F, 0.9F}) {
    for (const std::uint32_t seed : {0U, 1U, 12345U, 0xffffffffU}) {
      int fallen = 0;
      constexpr int count = 100000;
      for (std::uint32_t i = 0; i < count; ++i) {
        fallen += segx::survives_dropout(seed, i, segx::dropout_threshold(probability)) ? 0 : 1;
      }
      CHECK(fallen / double{count} == Approx(probability).margin(0.006));  // four standard deviations
    }
  }
}

TEST_CASE("dropout draws anew for another seed", "[kernels]") {
  int equal = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    equal += segx::survives_dropout(1, i, segx::dropout_threshold(0.5F)) ==
                     segx::survives_dropout(2, i, segx::dropout_threshold(0.5F))
                 ? 1
                 : 0;
  }
  CHECK(equal > 400);
  CHECK(equal < 600);
}

TEMPLATE_TEST_CASE("no gradient passes an activation at its ceiling, whatever dropout scales it by", "[kernels]",
                   segx::reference<float>, segx::cpu) {
  TestType on;
  constexpr segx::shape s{8, 2, 4};
  for (const segx::activation act : {segx::activation::relu6, segx::activation::hard_sigmoid}) {
    for (int percent = 1; percent < 100; ++percent) {
      INFO("dropout " << percent << " %, ceiling " << segx::largest_result(act));
      const segx::epilogue then{.act = act, .dropout = static_cast<float>(percent) / 100};
      std::vector<float> x(64, 10.0F), y(64), dy(64, 1.0F);
      const auto view_of = [&](std::vector<float>& values) { return segx::view<float>{values.data(), 1, s.size(), s}; };
      segx::forward_pass<float> f{.y = view_of(y), .then = then};
      f.x[0] = view_of(x);
      pointwise_forward(on, f);
      const segx::view<const float> result = view_of(y);
      epilogue_backward(on, then, result, view_of(dy), 0U);
      CHECK(std::all_of(dy.begin(), dy.end(), [](float d) { return d == 0; }));
    }
  }
}
