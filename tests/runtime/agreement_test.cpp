#include <catch2/catch.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/elu.hpp>
#include <segx/layers/hard_sigmoid.hpp>
#include <segx/layers/leaky_relu.hpp>
#include <segx/runtime/session.hpp>
#include <segx/testing/compare.hpp>

#include "cases/backends.hpp"
#include "cases/networks.hpp"
#include "cases/tensors.hpp"

// Whole networks, against the reference in double. Compiled a second time without vectors.

using namespace segx;
using segx::testing::relative_error;

namespace {

using networks::small_unet;

/// `shift`: moves some weights, that norms change something.
template <class Network, class TestBackend>
void check_against_double(int height = 32, int width = 16, int threads = 3, float shift = 0) {
  using backend = typename TestBackend::type;
  auto w = weights<Network>::random(4);
  for (std::size_t i = 0; i < w.values().size(); ++i) { w.values()[i] += shift * static_cast<float>(i % 3); }
  weights<Network, double> w_double;
  std::copy(w.values().begin(), w.values().end(), w_double.values().begin());
  weights<Network, typename backend::scalar> w_scalar;
  std::copy(w.values().begin(), w.values().end(), w_scalar.values().begin());

  session<Network, reference<double>> expected{w_double, height, width, {.batch = 2}};
  session<Network, backend> found{w_scalar, height, width, {.batch = 3, .threads = threads}};
  const auto result = expected.predict(drawn<double>(2, expected.input(), 1));
  CHECK(relative_error(found.predict(drawn<typename backend::scalar>(2, found.input(), 1)), result) < 1e-4);
}

template <part... Layers>
struct one_row : network<input<3>, chain<Layers...>> {};

/// A NaN in the image must be seen in the result, lest a training that diverges goes on.
template <class Activation>
void check_that_nan_passes() {
  INFO(Activation::name);
  using net = one_row<conv3x3<8>, Activation, conv1x1<1>>;
  session<net> network{weights<net>::random(1), 8, 8};
  auto images = drawn<float>(1, network.input(), 1);
  for (const std::uint32_t bits : {0x7fc00000U, 0xffc00000U, 0x7fc0ffffU, 0xffc00155U}) {
    images(0, 1, 3, 4) = std::bit_cast<float>(bits);
    CHECK(std::isnan(network.logits(images)(0, 0, 3, 4)));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("prediction agrees with the reference in double", "[runtime]", reference_float, cpu_threads<3>) {
  check_against_double<small_unet, TestType>();
  check_against_double<networks::unjoined, TestType>();
  check_against_double<networks::rewired, TestType>();
  check_against_double<networks::odd_ones, TestType>();
  check_against_double<networks::streaming, TestType>();
  check_against_double<unet8, TestType>();
}

TEST_CASE("what streams is the same where bands of rows meet, and where threads share channels", "[runtime]") {
  struct wide : network<input<3>, chain<conv3x3<150>, conv1x1<40>, silu, depthwise_conv<5>, conv1x1<70>, relu6,
                                        depthwise_conv<3, 2>, conv1x1<1>>> {};
  REQUIRE(strips::rows_of_band({150, 30, 72}) < 30);
  for (const int threads : {1, 2, 3}) {
    check_against_double<wide, cpu_threads<1>>(30, 72, threads);  // bands
    check_against_double<wide, cpu_threads<1>>(4, 2, threads);    // strips longer than rows
  }
}

TEST_CASE("a depthwise convolution written as one with groups reads what streams", "[runtime]") {
  using grouped = conv2d<conv2d_options{.out_channels = 16, .groups = 16}>;
  check_against_double<one_row<conv1x1<16>, grouped, conv1x1<1>, sigmoid>, cpu_threads<1>>(17, 9, 2);
}

TEST_CASE("strips end where a task ends, whatever its count of pixels", "[runtime]") {
  check_against_double<one_row<conv1x1<48>, conv1x1<48>, conv1x1<1>>, cpu_threads<1>>(33, 33, 2);
  check_against_double<one_row<conv1x1<48>, depthwise_conv<3>, conv1x1<8>, conv1x1<1>>, cpu_threads<1>>(33, 33, 2);
}

TEST_CASE("an addition moves into a convolution without what comes behind it", "[runtime]") {
  using squeezed = chain<conv1x1<32>, silu, depthwise_conv<3>, squeeze_excite<32, 4>, conv1x1<16>, batch_norm2d<>>;
  struct adding
      : network<input<3>,
                chain<conv3x3<16>, skip<add, conv3x3<16>>, batch_norm2d<>, relu, skip<add, squeezed>,
                      skip<add, conv3x3<16>, batch_norm2d<>>, silu, skip<concat, skip<add, conv1x1<16>>>, conv1x1<1>>> {
  };
  for (const int threads : {1, 3}) { check_against_double<adding, cpu_threads<1>>(17, 22, threads, 0.0625F); }
}

TEST_CASE("an activation with a slope keeps it at the end of a network", "[runtime]") {
  check_against_double<one_row<conv1x1<1>, leaky_relu<0.1>>, cpu_threads<1>>();
  check_against_double<one_row<conv1x1<1>, elu<>>, cpu_threads<1>>();
  using net = one_row<conv1x1<1>, leaky_relu<0.1>>;
  session<net> network{weights<net>::random(1), 8, 8};
  const auto images = drawn<float>(1, network.input(), 1);
  CHECK(xt::amin(network.predict(images))() < 0);
}

TEST_CASE("what is no number passes activations", "[runtime]") {
  check_that_nan_passes<relu>();
  check_that_nan_passes<relu6>();
  check_that_nan_passes<leaky_relu<0.1>>();
  check_that_nan_passes<elu<>>();
  check_that_nan_passes<sigmoid>();
  check_that_nan_passes<hard_sigmoid>();
  check_that_nan_passes<silu>();
  check_that_nan_passes<hard_swish>();
  check_that_nan_passes<prelu<>>();
}
