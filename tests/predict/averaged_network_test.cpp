#include <segx/predict/averaged_network.hpp>

#include <catch2/catch.hpp>
#include <cmath>

#include <segx/layers/max_pool2d.hpp>

#include "cases/tensors.hpp"
#include "predict/small_networks.hpp"
#include "temporary_folder.hpp"

using namespace segx;
using namespace small_networks;
using Catch::Matchers::Contains;
using tensor4 = xt::xtensor<float, 4>;

namespace {

constexpr int height = 12;
constexpr int width = 20;
const auto some_weights = weights<dropping>::random(1);

/// The same by another way: all passes side by side, in double.
tensor4 expected(const tensor4& image, flips over, int draws) {
  const int passes = count_of(over) * std::max(1, draws);
  std::vector<tensor4> found;
  sampling_session<dropping> sampled{some_weights, height, width};
  session<dropping> sure{some_weights, height, width};
  for (int t = 0; t < passes; ++t) {
    const int f = t / std::max(1, draws);
    const auto mirrored = [&](const tensor4& from) {
      tensor4 to = from;
      for (std::size_t c = 0; c < from.shape()[1]; ++c) {
        for (std::size_t i = 0; i < height; ++i) {
          for (std::size_t j = 0; j < width; ++j) {
            to(0, c, i, j) = from(0, c, (f & 2) != 0 ? height - 1 - i : i, (f & 1) != 0 ? width - 1 - j : j);
          }
        }
      }
      return to;
    };
    tensor4 p;
    if (draws > 0) {
      sampled.predict(mirrored(image), p, {.seed = hash32(7 + static_cast<std::uint32_t>(t))});
    } else {
      sure.predict(mirrored(image), p);
    }
    found.push_back(mirrored(p));
  }
  auto result = tensor4::from_shape({1, 3, height, width});
  for (std::size_t i = 0; i < height; ++i) {
    for (std::size_t j = 0; j < width; ++j) {
      double most = 0;
      for (std::size_t k = 0; k < 2; ++k) {
        double mean = 0;
        double square = 0;
        for (const tensor4& p : found) { mean += p(0, k, i, j) / static_cast<double>(passes); }
        for (const tensor4& p : found) { square += std::pow(p(0, k, i, j) - mean, 2) / passes; }
        result(0, k, i, j) = static_cast<float>(mean);
        most = std::max(most, std::sqrt(square));
      }
      result(0, 2, i, j) = static_cast<float>(most);
    }
  }
  return result;
}

double largest_difference(const tensor4& a, const tensor4& b) {
  REQUIRE(a.shape() == b.shape());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) { most = std::max<double>(most, std::abs(a.data()[i] - b.data()[i])); }
  return most;
}

}  // namespace

TEST_CASE("one pass is the prediction of a session") {
  const tensor4 image = drawn<float>(1, {1, height, width}, 1);
  averaged_network<dropping> network{some_weights, height, width, {}, 1};
  tensor4 found;
  network.predict(image, found);
  CHECK(network.passes() == 1);
  CHECK(network.planes() == 2);
  CHECK(values_of(found) == values_of(session<dropping>{some_weights, height, width}.predict(image)));
}

TEST_CASE("several passes give mean and deviation") {
  const tensor4 image = drawn<float>(1, {1, height, width}, 1);
  for (const auto& [over, draws] :
       {std::pair{flips::horizontal, 0}, {flips::both, 0}, {flips::none, 9}, {flips::none, 1}, {flips::both, 3}}) {
    averaged_network<dropping> network{some_weights, height, width, {over, draws, 7}, 1};
    INFO(network.passes() << " passes");
    tensor4 found;
    network.predict(image, found);
    if (network.passes() == 1) { continue; }
    CHECK(network.planes() == 3);
    CHECK(largest_difference(found, expected(image, over, draws)) < 1e-6);

    tensor4 again;
    network.predict(image, again);
    CHECK((values_of(again) == values_of(found)) == (draws == 0));
    network.restart();
    network.predict(image, again);
    CHECK(values_of(again) == values_of(found));
  }
}

TEST_CASE("the logits of a mean give the mean") {
  const auto back = [](const tensor4& z, int k, std::size_t i) {  // the softmax of one class, or the sigmoid
    const std::size_t pixels = z.size() / z.shape()[1];
    double sum = 0;
    for (std::size_t c = 0; c < z.shape()[1]; ++c) { sum += std::exp(z.data()[c * pixels + i]); }
    const double own = std::exp(z.data()[k * pixels + i]);
    return std::pair{own / sum, own / (1 + own)};
  };
  const auto check = [&]<class Network>(const weights<Network>& w) {
    const tensor4 image = drawn<float>(1, {w.network().channels, height, width}, 1);
    averaged_network<Network> mirrored{w, height, width, {.over = flips::both}, 1};
    tensor4 logits;
    tensor4 mean;
    mirrored.logits(image, logits);
    mirrored.predict(image, mean);
    REQUIRE(logits.shape()[1] == static_cast<std::size_t>(w.network().classes));
    const std::size_t pixels = height * width;
    for (int k = 0; k < w.network().classes; ++k) {
      for (std::size_t i = 0; i < pixels; ++i) {
        const auto [of_softmax, of_sigmoid] = back(logits, k, i);
        const double p = label_kind_of(w.network()) == label_kind::exclusive ? of_softmax : of_sigmoid;
        REQUIRE(p == Approx(mean.data()[k * pixels + i]).margin(1e-6));
      }
    }
    averaged_network<Network> once{w, height, width, {}, 1};
    once.logits(image, logits);
    CHECK(values_of(logits) == values_of(session<Network>{w, height, width}.logits(image)));
  };
  check(some_weights);
  check(weights<exclusive>::random(1));
}

TEST_CASE("averaging needs something to draw, and a result for each pixel") {
  const auto made = [](auto w, averaging how) {
    return message_of([&] { averaged_network<typename decltype(w)::network_type>(w, 16, 16, how, 1); });
  };
  CHECK_THAT(made(weights<neighbours>::random(1), {.dropout_passes = 3}), Contains("needs a network with dropout"));
  CHECK_THAT(made(weights<dropping>::random(1), {.dropout_passes = -1}), Contains("cannot be less than 0"));
  struct coarse : network<input<1>, chain<max_pool2d<2>, conv1x1<1>, sigmoid>> {};
  CHECK_THAT(made(weights<coarse>::random(1), {}), Contains("of images of 16x16 it gives 8x8"));
}
