#include <catch2/catch.hpp>

#include "cases/backends.hpp"
#include "cases/layers.hpp"

#include <segx/core/network.hpp>
#include <segx/layers/attention_gate.hpp>
#include <segx/layers/squeeze_excite.hpp>

#include <segx/testing/layer_run.hpp>

using namespace segx;
using testing::array;
using testing::layer_inputs;
using testing::layer_run;

static_assert(conv3x3<8>::output_shape({3, 32, 48}) == shape{8, 32, 48});
static_assert(conv2d<conv2d_options{.out_channels = 8, .stride = 2}>::output_shape({3, 33, 48}) == shape{8, 17, 24});
static_assert(conv2d<conv2d_options{.out_channels = 8, .padding = 2, .dilation = 2}>::output_shape({3, 9, 7}) ==
              shape{8, 9, 7});
static_assert(conv2d<conv2d_options{.out_channels = 8, .kernel = 7, .padding = 0}>::refuses({1, 5, 9}) != nullptr);
static_assert(conv2d<conv2d_options{.out_channels = 8, .kernel = 7, .padding = 1}>::refuses({1, 5, 9}) == nullptr);
static_assert(conv2d<conv2d_options{.out_channels = 8, .groups = 4}>::refuses({6, 9, 9}) != nullptr);
static_assert(conv3x3<8>::macs({3, 10, 20}) == 8 * 10 * 20 * 3 * 9);
static_assert(conv2d<conv2d_options{.out_channels = 8, .groups = 2}>::macs({4, 10, 20}) == 8 * 10 * 20 * 2 * 9);
static_assert(conv3x3<8>::parameters({3, 10, 20})[0].extents == std::array{8, 3, 3, 3});
static_assert(conv3x3<8>::parameters({3, 10, 20})[0].fan_in == 27);
static_assert(conv3x3<8>::parameters({3, 10, 20})[1].size() == 8);

static_assert(up_conv2x2<8>::output_shape({16, 5, 6}) == shape{8, 10, 12});
static_assert(conv_transpose2d<conv_transpose2d_options{.out_channels = 3, .kernel = 3, .padding = 1}>::output_shape(
                  {8, 4, 3}) == shape{3, 7, 5});
static_assert(conv_transpose2d<conv_transpose2d_options{.out_channels = 3, .kernel = 2, .padding = 1}>::refuses({8, 1,
                                                                                                                 3}) !=
              nullptr);
static_assert(up_conv2x2<8>::parameters({16, 5, 6})[0].extents == std::array{16, 8, 2, 2});
static_assert(up_conv2x2<8>::parameters({16, 5, 6})[0].fan_in == 16);
static_assert(up_conv2x2<8>::macs({16, 5, 6}) == 16 * 30 * 8 * 4);

static_assert(max_pool2d<2>::output_shape({3, 6, 4}) == shape{3, 3, 2});
static_assert(max_pool2d<2>::refuses({3, 6, 4}) == nullptr);
static_assert(max_pool2d<2>::refuses({3, 6, 5}) != nullptr);
static_assert(max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>::output_shape({3, 8, 7}) ==
              shape{3, 4, 4});
static_assert(max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>::refuses({3, 8, 7}) == nullptr);
static_assert(max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2}>::refuses({3, 7, 7}) == nullptr);
static_assert(max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2}>::refuses({3, 8, 7}) != nullptr);
static_assert(max_pool2d<max_pool2d_options{.kernel = 1, .stride = 2}>::refuses({3, 8, 7}) == nullptr);
static_assert(max_pool2d<2>::attributes[0].name == "window");  // the same layer, however it is spelled
static_assert(max_pool2d<max_pool2d_options{}>::attributes[0].name == "window");
static_assert(avg_pool2d<avg_pool2d_options{}>::refuses({3, 6, 5}) != nullptr);
static_assert(adaptive_avg_pool2d<6>::output_shape({3, 8, 5}) == shape{3, 6, 6});
static_assert(upsample_bilinear<4>::output_shape({3, 6, 4}) == shape{3, 24, 16});
static_assert(concat::output_shape({3, 6, 4}, {5, 6, 4}) == shape{8, 6, 4});
static_assert(concat::refuses({3, 6, 4}, {5, 6, 5}) != nullptr);
static_assert(add::refuses({3, 6, 4}, {3, 6, 4}) == nullptr);
static_assert(add::refuses({3, 6, 4}, {4, 6, 4}) != nullptr);
static_assert(global_avg_pool2d::output_shape({3, 6, 4}) == shape{3, 1, 1});
static_assert(plane_scale::refuses({3, 6, 4}, {1, 6, 4}) == nullptr);
static_assert(plane_scale::refuses({3, 6, 4}, {3, 1, 1}) != nullptr);
static_assert(group_norm2d<4>::refuses({6, 5, 5}) != nullptr);
static_assert(instance_norm2d<>::refuses({6, 1, 1}) != nullptr);
static_assert(softmax::refuses({1, 5, 5}) != nullptr);
static_assert(prelu<>::parameters({6, 5, 5})[0].size() == 6);
static_assert(prelu<prelu_options{.shared = true}>::parameters({6, 5, 5})[0].size() == 1);
static_assert(dilated_conv3x3<8, 4>::output_shape({3, 9, 7}) == shape{8, 9, 7});
static_assert(depthwise_conv<5, 2>::output_shape({6, 9, 7}) == shape{6, 5, 4});
static_assert(depthwise_conv<5, 2>::parameters({6, 9, 7})[0].extents == std::array{6, 1, 5, 5});
static_assert(depthwise_conv<5, 2>::macs({6, 9, 7}) == 6 * 5 * 4 * 25);
static_assert(channel_scale::output_shape({3, 6, 4}, {3, 1, 1}) == shape{3, 6, 4});
static_assert(channel_scale::refuses({3, 6, 4}, {3, 1, 1}) == nullptr);
static_assert(channel_scale::refuses({3, 6, 4}, {4, 1, 1}) != nullptr);
static_assert(channel_scale::refuses({3, 6, 4}, {3, 6, 4}) != nullptr);

struct gated : network<input<3>, chain<conv3x3<16>, relu, squeeze_excite<16, 4>, conv1x1<1>>> {};
static_assert(gated::parameter_count == (27 * 16 + 16) + (16 * 4 + 4) + (4 * 16 + 16) + 17);
static_assert(gated::at<32, 48>::output == shape{1, 32, 48});

// As in docs/layers.md.
template <int Channels>
using normal_conv = chain<conv2d<conv2d_options{.out_channels = Channels, .bias = false}>, group_norm2d<8>, prelu<>>;

struct attention_net
    : network<input<1>, chain<normal_conv<16>,
                              attention_skip<8, max_pool2d<2>, normal_conv<32>, upsample_bilinear<2>, normal_conv<16>>,
                              normal_conv<16>, conv1x1<3>, softmax>> {};

static_assert(attention_net::at<64, 96>::output == shape{3, 64, 96});
static_assert(attention_net::parameter_count == (9 * 16 + 3 * 16) + (144 * 32 + 3 * 32) + (288 * 16 + 3 * 16) +
                                                    (16 * 8 + 8) + 16 * 8 + 9 + (288 * 16 + 3 * 16) + 17 * 3);

namespace {

/// The result of a layer on one image and given learnables.
template <class Backend, class Layer>
array result(Backend& on, const Layer& layer, shape x, array values, std::vector<array> learnables) {
  layer_inputs in{.batch = 1, .extents = {x}, .x = {values}, .parameters = learnables, .dy = {}, .then = {}};
  if constexpr (requires { Layer::as_epilogue; }) { in.then = Layer::as_epilogue; }
  return layer_run{on, layer, in}.forward();
}

}  // namespace

// What the formulas in the headers say, by hand: everything else is compared with the reference.
SEGX_BACKEND_TEST("layers compute what their formulas say", "[layers]") {
  auto on = TestType::make();
  const array ramp{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const shape square{1, 3, 3};

  SECTION("a convolution is not turned around") {
    const conv2d<conv2d_options{.out_channels = 1, .kernel = 2, .padding = 0}> layer;
    CHECK(result(on, layer, square, ramp, {{1, 10, 100, 1000}, {0.5}}) == array{5421.5, 6532.5, 8754.5, 9865.5});
  }
  SECTION("padding is zeros on all sides") {
    const conv2d<conv2d_options{.out_channels = 1, .kernel = 3, .stride = 2}> layer;
    CHECK(result(on, layer, square, ramp, {array(9, 1.0), {0}}) == array{12, 16, 24, 28});
  }
  SECTION("dilation spreads the taps") {
    const conv2d<conv2d_options{.out_channels = 1, .kernel = 2, .padding = 0, .dilation = 2}> layer;
    CHECK(result(on, layer, square, ramp, {{1, 10, 100, 1000}, {0}}) == array{9731});
  }
  SECTION("groups see their own channels") {
    const conv2d<conv2d_options{.out_channels = 2, .kernel = 1, .padding = 0, .groups = 2}> layer;
    CHECK(result(on, layer, {2, 1, 2}, {1, 2, 3, 4}, {{10, 100}, {0, 1}}) == array{10, 20, 301, 401});
  }
  SECTION("a transposed convolution scatters") {
    const up_conv2x2<1> layer;
    CHECK(result(on, layer, {1, 1, 2}, {1, 2}, {{1, 2, 3, 4}, {0.5}}) == array{1.5, 2.5, 2.5, 4.5, 3.5, 4.5, 6.5, 8.5});
  }
  SECTION("a transposed convolution adds where taps overlap, and cuts its padding") {
    const conv_transpose2d<conv_transpose2d_options{.out_channels = 1, .kernel = 3, .stride = 2, .padding = 1}> layer;
    CHECK(result(on, layer, {1, 1, 2}, {1, 2}, {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {0}}) == array{5, 14, 10});
  }
  SECTION("max pooling") {
    CHECK(result(on, max_pool2d<2>{}, {1, 2, 4}, {1, 5, -3, -1, 2, 3, -2, -4}, {}) == array{5, -1});
  }
  SECTION("max pooling of windows that overlap and lie over the border") {
    const max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}> layer;
    CHECK(result(on, layer, square, {-1, -2, -3, -4, -5, -6, -7, -8, -9}, {}) == array{-1, -2, -4, -5});
  }
  SECTION("average pooling counts zeros outside, or does not") {
    const avg_pool2d<avg_pool2d_options{.kernel = 2, .padding = 1}> zeros;
    CHECK(result(on, zeros, {1, 2, 2}, {4, 8, 12, 16}, {}) == array{1, 2, 3, 4});
    const avg_pool2d<avg_pool2d_options{.kernel = 2, .padding = 1, .count_include_pad = false}> none;
    CHECK(result(on, none, {1, 2, 2}, {4, 8, 12, 16}, {}) == array{4, 8, 12, 16});
  }
  SECTION("adaptive average pooling shares the image, a pixel twice if need be") {
    CHECK(result(on, adaptive_avg_pool2d<1, 2>{}, square, ramp, {}) == array{4.5, 5.5});
  }
  SECTION("enlargement") {
    const shape line{1, 1, 2};
    CHECK(result(on, upsample_nearest<2>{}, line, {1, 5}, {}) == array{1, 1, 5, 5, 1, 1, 5, 5});
    CHECK(result(on, upsample_bilinear<2>{}, line, {1, 5}, {}) == array{1, 2, 4, 5, 1, 2, 4, 5});
    const upsample2d<upsample2d_options{.mode = interpolation::bilinear, .align_corners = true}> corners;
    CHECK(result(on, corners, {1, 2, 2}, {0, 3, 6, 9}, {})[5] == Approx(3));  // row 1, column 1 of 4 × 4
  }
  SECTION("global average pooling") {
    CHECK(result(on, global_avg_pool2d{}, {2, 2, 2}, {1, 2, 3, 6, -1, -1, 1, 1}, {}) == array{3, 0});
  }
  SECTION("normalisation of groups and of channels alone") {
    const array y = result(on, group_norm2d<1, 1e-12>{}, {2, 1, 2}, {1, 3, 5, 7}, {{1, 1}, {0, 10}});
    CHECK(y[0] == Approx(-3 / std::sqrt(5.0)));
    CHECK(y[3] == Approx(10 + 3 / std::sqrt(5.0)));
    const instance_norm2d<instance_norm2d_options{.epsilon = 1e-12}> alone;
    const array z = result(on, alone, {2, 1, 2}, {1, 3, 50, 70}, {});
    CHECK(z[0] == Approx(-1));
    CHECK(z[3] == Approx(1));
  }
  SECTION("softmax of large numbers") {
    const array y = result(on, softmax{}, {2, 1, 2}, {1000, 0, 1000, 1000}, {});
    CHECK(y[0] == 0.5);
    CHECK(y[2] == 0.5);
    CHECK(y[1] == Approx(0).margin(1e-30));
    CHECK(y[3] == 1);
  }
  SECTION("a plane of factors") {
    layer_inputs in{.batch = 1,
                    .extents = {{2, 1, 2}, {1, 1, 2}},
                    .x = {{1, 2, 3, 4}, {10, 100}},
                    .parameters = {},
                    .dy = {},
                    .then = {}};
    CHECK(layer_run{on, plane_scale{}, in}.forward() == array{10, 200, 30, 400});
  }
  SECTION("relu and sigmoid") {
    CHECK(result(on, relu{}, {1, 1, 3}, {-1, 0, 2}, {}) == array{0, 0, 2});
    const array y = result(on, sigmoid{}, {1, 1, 3}, {0, 100, -100}, {});
    CHECK(y[0] == 0.5);
    CHECK(y[1] == 1);
    CHECK(y[2] == Approx(0).margin(1e-30));
  }
}

TEST_CASE("dropout scales what survives, so that the mean stays", "[layers]") {
  reference<double> on;
  const shape x{8, 50, 50};
  const array y = result(on, dropout<20>{}, x, array(static_cast<std::size_t>(x.size()), 1.0), {});
  const auto fallen = std::count(y.begin(), y.end(), 0.0);
  CHECK(static_cast<double>(fallen) / y.size() == Approx(0.2).margin(0.012));  // four standard deviations
  CHECK(std::count(y.begin(), y.end(), 1 / (1 - static_cast<double>(0.2F))) + fallen == x.size());
}
