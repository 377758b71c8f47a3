#include <catch2/catch.hpp>

#include <cmath>

#include <segx/runtime/weights.hpp>

#include "cases/networks.hpp"

using namespace segx;

TEST_CASE("random weights are those of He et al., and the same for the same seed", "[runtime]") {
  struct wide : network<input<16>, chain<conv3x3<64>, relu, up_conv2x2<32>>> {};
  const auto w = weights<wide>::random(7);
  const auto again = weights<wide>::random(7);
  const auto other = weights<wide>::random(8);
  CHECK(std::equal(w.values().begin(), w.values().end(), again.values().begin()));
  CHECK_FALSE(std::equal(w.values().begin(), w.values().end(), other.values().begin()));

  for (const auto& array : w.arrays()) {
    INFO(array.name);
    double sum = 0;
    double squares = 0;
    for (const float v : array.values) {
      sum += v;
      squares += double{v} * v;
    }
    const double count = static_cast<double>(array.values.size());
    if (array.extents.size() == 1) {
      CHECK(squares == 0);  // biases
    } else {
      const double expected = std::sqrt(2.0 / array.start.fan_in);
      CHECK(std::abs(sum / count) < 4 * expected / std::sqrt(count));
      CHECK(std::sqrt(squares / count) == Approx(expected).epsilon(4 / std::sqrt(2 * count)));
    }
  }
  CHECK(w.arrays()[0].start.fan_in == 16 * 9);
  CHECK(w.arrays()[2].start.fan_in == 64);
}

TEST_CASE("the first random weights never change", "[runtime]") {  // trainings are told by their seed
  const auto w = weights<networks::small_unet>::random(1);
  CHECK(w.values()[0] == Approx(0.7136).epsilon(1e-4));
  CHECK(w.values()[1] == Approx(0.17195).epsilon(1e-4));
  CHECK(w.values()[2] == Approx(0.25074).epsilon(1e-4));
}

TEST_CASE("arrays are views into the weights", "[runtime]") {
  weights<networks::small_unet> w;
  w.arrays()[2].values[5] = 3;
  CHECK(w.values()[8 * 9 + 8 + 5] == 3);
  CHECK(std::as_const(w).arrays()[2].values[5] == 3);
}
