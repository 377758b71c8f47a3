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

SEGX_BACKEND_TEST("max_pool2d of a window with a NaN is NaN, wherever it stands", "[kernels]") {
  using run = segx::testing::layer_run<typename TestType::type, max_pool2d_case>;
  auto on = TestType::make();
  for (const max_pool2d_case& c : max_pool2d_cases()) {
    INFO(c.text());
    const segx::testing::layer_inputs whole = draw(c, c.batch, {c.x});
    const segx::testing::array y = run{on, c, whole}.forward();
    const segx::shape out = c.output_shape(c.x);
    for (const std::size_t every : {5U, 7U}) {
      segx::testing::layer_inputs in = whole;
      for (std::size_t k = 0; k < in.x[0].size(); k += every) { in.x[0][k] = std::nan(""); }
      const segx::testing::array found = run{on, c, in}.forward();
      int wrong = 0;
      for (std::size_t k = 0; k < y.size(); ++k) {
        const int place = static_cast<int>(k);
        const int plane = place / (out.height * out.width);
        const segx::pixel_range rows = c.geometry.window(place / out.width % out.height, c.x.height);
        const segx::pixel_range columns = c.geometry.window(place % out.width, c.x.width);
        bool has_nan = false;
        for (int i = rows.begin; i < rows.end; ++i) {
          for (int j = columns.begin; j < columns.end; ++j) {
            const int at = (plane * c.x.height + i) * c.x.width + j;
            has_nan = has_nan || std::isnan(in.x[0][static_cast<std::size_t>(at)]);
          }
        }
        wrong += has_nan ? !std::isnan(found[k]) : found[k] != y[k];
      }
      CHECK(wrong == 0);
    }
  }
}
