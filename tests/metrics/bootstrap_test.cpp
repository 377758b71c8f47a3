#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include <segx/core/random.hpp>
#include <segx/geometry/length.hpp>
#include <segx/metrics/bootstrap.hpp>
#include <segx/metrics/confusion.hpp>

using segx::millimetres;

namespace {

std::vector<double> uniform_numbers(std::uint64_t seed, int count) {
  segx::random_generator draw{seed};
  std::vector<double> numbers;
  for (int i = 0; i < count; ++i) { numbers.push_back(draw.uniform()); }
  return numbers;
}

}  // namespace

TEST_CASE("percentiles are linear between neighbours", "[bootstrap]") {
  const std::vector<double> sorted = {1, 2, 4, 8};
  const auto at = [&](double fraction) { return segx::detail::percentile_of_sorted<double>(sorted, fraction); };
  CHECK(at(0) == 1);
  CHECK(at(1) == 8);
  CHECK(at(0.5) == 3);
  CHECK(at(0.95) == Approx(4 + 0.85 * 4));
}

TEST_CASE("the interval of a mean is as wide as theory says", "[bootstrap]") {
  const std::vector<double> numbers = uniform_numbers(4, 400);
  const segx::interval<double> found = segx::bootstrap_mean<double>(numbers, {.resamples = 4000});
  const double expected = 2 * 1.96 * std::sqrt(1.0 / 12 / 400);  // of normal means of numbers of variance 1/12
  CHECK(found.high - found.low == Approx(expected).epsilon(0.1));
}

TEST_CASE("nineteen of twenty intervals hold the true mean", "[bootstrap]") {
  int held = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto found = segx::bootstrap_mean<double>(uniform_numbers(seed + 100, 60), {.resamples = 400, .seed = seed});
    held += found.low < 0.5 && 0.5 < found.high ? 1 : 0;
  }
  CHECK(held >= 273);  // 91 %
  CHECK(held <= 294);  // 98 %
}

TEST_CASE("the seed decides the interval", "[bootstrap]") {
  const std::vector<double> numbers = uniform_numbers(4, 30);
  CHECK(segx::bootstrap_mean<double>(numbers, {.seed = 7}) == segx::bootstrap_mean<double>(numbers, {.seed = 7}));
  CHECK(segx::bootstrap_mean<double>(numbers, {.seed = 7}) != segx::bootstrap_mean<double>(numbers, {.seed = 8}));
}

TEST_CASE("statistics of counts and means of lengths have intervals, too", "[bootstrap]") {
  const std::vector<segx::confusion> same(5, {3, 1, 0, 6});
  const auto micro_iou = [](std::span<const segx::confusion> images) {
    segx::confusion all;
    for (const segx::confusion& image : images) { all += image; }
    return all.iou();
  };
  const auto iou = segx::bootstrap_interval(std::span<const segx::confusion>{same}, micro_iou);
  CHECK(iou == segx::interval<double>{0.75, 0.75});

  const std::vector<millimetres> lengths = {{1}, {2}, {3}};
  const segx::interval<millimetres> mean = segx::bootstrap_mean<millimetres>(lengths);
  CHECK(mean.low >= millimetres{1});
  CHECK(mean.low < millimetres{2});
  CHECK(mean.high > millimetres{2});
}

TEST_CASE("no image has no interval, and options are checked", "[bootstrap]") {
  CHECK_THROWS_AS(segx::bootstrap_mean<double>({}), segx::error);
  const std::vector<double> one = {1};
  CHECK_THROWS_AS(segx::bootstrap_mean<double>(one, {.resamples = 0}), segx::error);
  CHECK_THROWS_AS(segx::bootstrap_mean<double>(one, {.confidence = 1}), segx::error);
}
