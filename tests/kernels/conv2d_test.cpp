#include <map>
#include <utility>

#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/backends.hpp"
#include "cases/conv2d.hpp"
#include "cases/elementwise.hpp"

using segx::convolution_policy;
using segx::cpu_with;
using segx::testing::draw;
using segx::testing::gradient_error;
using segx::testing::layer_run;
using segx::testing::relative_error;

static segx::detail::convolution_algorithm algorithm_of(const conv2d_case& c) {
  return segx::detail::algorithm_for(c.geometry, c.x, c.output_shape(c.x), convolution_policy::prefer_speed);
}

/// Winograd's filter of a convolution of stride 1.
static segx::winograd::filter filter_of(const conv2d_case& c) {
  return segx::winograd::filter_for(c.x, c.output_shape(c.x), convolution_policy::prefer_speed);
}

SEGX_FLOAT_TEST("conv2d agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const conv2d_case& c : conv2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}, c.then),
                    c.may_use_winograd() ? TestType::winograd : TestType::exact);
  }
}

TEST_CASE("conv2d's cases take Winograd's tiles of all sizes", "[kernels]") {
  constexpr auto policy = convolution_policy::prefer_speed;
  std::map<std::pair<int, int>, int> cases_of_tiles;  // forward and backward
  int strided = 0;
  for (const conv2d_case& c : conv2d_cases()) {
    const segx::shape y = c.output_shape(c.x);
    if (algorithm_of(c) == segx::detail::convolution_algorithm::winograd) {
      ++cases_of_tiles[{filter_of(c).tile, segx::winograd::filter_for(y, c.x, policy).tile}];
    }
    strided += algorithm_of(c) == segx::detail::convolution_algorithm::strided_winograd ? 1 : 0;
  }
  CHECK(strided >= 7);
  CHECK(cases_of_tiles[{4, 4}] > 20);
  CHECK(cases_of_tiles[{6, 6}] >= 2);
  CHECK(cases_of_tiles[{6, 4}] >= 1);
}

/// A convolution that a second input, as large as its result, is added to.
struct adding_conv2d_case : conv2d_case {
  segx::shape output_shape(segx::shape s, segx::shape) const { return conv2d_case::output_shape(s); }
  auto parameters(segx::shape s, segx::shape) const { return conv2d_case::parameters(s); }
  template <segx::backend B>
  segx::workspace needs(segx::shape s, segx::shape) const {
    return conv2d_case::needs<B>(s);
  }
};

TEST_CASE("conv2d adds a second input in front of its activation, or behind it", "[kernels]") {
  segx::cpu on{3};
  segx::reference<double> exactly;
  int adding = 0;
  for (const conv2d_case& plain : conv2d_cases()) {
    const adding_conv2d_case c{plain};
    const segx::shape y = plain.output_shape(c.x);
    if (!c.needs<segx::cpu>(c.x, y).takes_addend) { continue; }
    INFO(c.text());
    ++adding;
    auto in = draw(c, c.batch, {c.x, y}, c.then);
    for (const bool behind : {false, true}) {
      auto alone = in;
      alone.then = behind ? c.then : segx::epilogue{};
      auto sum = draw(add_case{}, c.batch, {y, y}, behind ? segx::epilogue{} : c.then);
      sum.x = {layer_run{exactly, c, alone}.forward(), in.x[1]};
      const auto expected = layer_run{exactly, add_case{}, sum}.forward();
      in.then.precedes_sum = behind;
      CHECK(relative_error(layer_run{on, c, in}.forward(), expected) < 1e-4);
    }
  }
  CHECK(adding > 40);
}

TEST_CASE("conv2d agrees where larger tiles are few for many threads", "[kernels]") {
  const conv2d_case c{{.padding = 1}, 24, {16, 61, 70}, 2, {.act = segx::activation::relu}};
  REQUIRE(filter_of(c).tile == 6);
  segx::cpu on{29};
  check_agreement(on, c, draw(c, c.batch, {c.x}, c.then), 1e-4);
}

TEST_CASE("conv2d without Winograd is as exact as plain loops", "[kernels]") {
  cpu_with<convolution_policy::exact> on;
  for (const conv2d_case& c : conv2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}, c.then), 1e-5);
  }
}

TEST_CASE("conv2d that prefers memory agrees, also where it keeps its weights as they are", "[kernels]") {
  using segx::detail::convolution_algorithm;
  constexpr auto policy = convolution_policy::prefer_memory;
  std::map<convolution_algorithm, int> keeping;
  cpu_with<policy> on{3};
  for (const conv2d_case& c : conv2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}, c.then), 1e-4);
    const segx::shape y = c.output_shape(c.x);
    const auto algorithm = segx::detail::algorithm_for(c.geometry, c.x, y, policy);
    const auto filter = algorithm == convolution_algorithm::strided_winograd
                            ? segx::winograd::strided
                            : segx::winograd::filter_for(c.x, y, policy);
    keeping[algorithm] += keeps_taps(filter, c.x, y, policy) ? 1 : 0;
  }
  // Several groups of tiles, several steps of channels, which fill neither up.
  const conv2d_case large{{.padding = 1}, 72, {80, 34, 30}, 2, {.act = segx::activation::silu}};
  const segx::winograd::blocking blocks{large.x, large.output_shape(large.x), policy};
  REQUIRE(blocks.keeps_taps);
  REQUIRE(2 * segx::winograd::tiles_of(blocks.of, large.x) > blocks.tiles);
  REQUIRE(large.x.channels % blocks.taps_depth != 0);
  check_agreement(on, large, draw(large, large.batch, {large.x}, large.then), 1e-4);
  CHECK(keeping[convolution_algorithm::winograd] > 20);
  CHECK(keeping[convolution_algorithm::strided_winograd] > 4);
}

TEST_CASE("conv2d agrees where weights are so many that tasks share channels, in groups of tiles", "[kernels]") {
  const conv2d_case c{{.padding = 1}, 232, {168, 9, 26}, 3, {.act = segx::activation::sigmoid}};
  const segx::winograd::blocking blocks{c.x, c.output_shape(c.x), convolution_policy::prefer_speed};
  REQUIRE(blocks.shares_channels);
  REQUIRE(blocks.columns < c.out_channels);
  REQUIRE(blocks.tiles < 3 * 3 * 7);  // of three images
  const auto input = draw(c, c.batch, {c.x}, c.then);
  for (const int threads : {1, 3}) {
    segx::cpu on{threads};
    check_agreement(on, c, input, 1e-4);
  }
}

TEST_CASE("conv2d of stride 2 agrees where weights are so many that tasks share channels", "[kernels]") {
  const conv2d_case c{{.stride = 2, .padding = 1}, 280, {304, 17, 14}, 3, {.act = segx::activation::relu}};
  const segx::winograd::blocking blocks{segx::winograd::strided, c.x, c.output_shape(c.x),
                                        convolution_policy::prefer_speed};
  REQUIRE(algorithm_of(c) == segx::detail::convolution_algorithm::strided_winograd);
  REQUIRE(blocks.shares_channels);
  REQUIRE(blocks.tiles < 3 * 5 * 4);  // of three images
  const auto input = draw(c, c.batch, {c.x}, c.then);
  for (const int threads : {1, 3}) {
    segx::cpu on{threads};
    check_agreement(on, c, input, 1e-5);
  }
}

TEST_CASE("conv2d gives the same bits on any number of threads", "[kernels]") {
  const conv2d_case cases[] = {
      {{.padding = 1},
       32,
       {24, 21, 70},
       2,
       {.act = segx::activation::relu}},    // Winograd: several tasks for each thread
      {{.padding = 1}, 128, {64, 32, 32}},  // … one for each
      {{.padding = 1}, 232, {168, 9, 26}},  // … which share channels
      {{.padding = 1}, 24, {16, 61, 70}},   // with larger tiles, which are few for many threads
      {{.kernel = 1, .padding = 0}, 24, {1030, 7, 9}},
      {{.kernel = 3, .stride = 2, .padding = 1}, 16, {3, 33, 31}},
      {{.kernel = 3, .stride = 2, .padding = 1}, 48, {32, 65, 67}},    // Winograd of stride 2
      {{.kernel = 3, .stride = 2, .padding = 1}, 280, {304, 17, 12}},  // … which shares channels
      {{.kernel = 5, .padding = 2, .groups = 16}, 16, {16, 66, 29}},
  };
  for (const conv2d_case& c : cases) {
    INFO(c.text());
    const auto input = draw(c, c.batch, {c.x}, c.then);
    segx::cpu alone{1};
    layer_run expected{alone, c, input};
    const auto y = expected.forward();
    for (const int threads : {2, 3, 5, 13}) {
      segx::cpu on{threads};
      CHECK(layer_run{on, c, input}.forward() == y);
    }
  }
}

SEGX_FLOAT_TEST("conv_transpose2d agrees with the reference in double", "[kernels]") {
  auto on = TestType::make();
  for (const conv_transpose2d_case& c : conv_transpose2d_cases()) {
    INFO(c.text());
    check_agreement(on, c, draw(c, c.batch, {c.x}, c.then), TestType::exact);
  }
}

SEGX_GRADIENT_TEST("gradients of conv2d match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const conv2d_case& c : conv2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, {c.x}, c.then), 3) < TestType::gradient);
  }
}

SEGX_GRADIENT_TEST("gradients of conv_transpose2d match finite differences", "[kernels][gradient]") {
  auto on = TestType::make();
  for (const conv_transpose2d_case& c : conv_transpose2d_cases()) {
    INFO(c.text());
    CHECK(gradient_error(on, c, draw(c, c.batch, {c.x}, c.then), 3) < TestType::gradient);
  }
}
