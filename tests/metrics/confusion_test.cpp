#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <vector>
#include <xtensor/xtensor.hpp>

#include <segx/metrics/confusion.hpp>

using segx::confusion;

namespace {

constexpr confusion mixed{.true_positive = 6, .false_positive = 2, .false_negative = 4, .true_negative = 8};
static_assert(mixed.pixels() == 20);
static_assert(mixed.accuracy() == 14.0 / 20);
static_assert(mixed.iou() == 6.0 / 12);
static_assert(mixed.dice() == 12.0 / 18);
static_assert(mixed.f1() == mixed.dice());
static_assert(mixed.precision() == 6.0 / 8);
static_assert(mixed.recall() == 6.0 / 10);
static_assert(mixed.specificity() == 8.0 / 10);

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("scores of empty and full masks", "[confusion]") {
  SECTION("truth and prediction both empty: everything is right") {
    constexpr confusion c{.true_negative = 9};
    for (const double score : {c.accuracy(), c.iou(), c.dice(), c.precision(), c.recall(), c.specificity()}) {
      CHECK(score == 1);
    }
  }
  SECTION("truth empty, prediction not") {
    constexpr confusion c{.false_positive = 3, .true_negative = 6};
    for (const double score : {c.iou(), c.dice(), c.precision(), c.recall()}) { CHECK(score == 0); }
    CHECK(c.accuracy() == Approx(6.0 / 9));
    CHECK(c.specificity() == Approx(6.0 / 9));
  }
  SECTION("prediction empty, truth not") {
    constexpr confusion c{.false_negative = 3, .true_negative = 6};
    for (const double score : {c.iou(), c.dice(), c.precision(), c.recall()}) { CHECK(score == 0); }
    CHECK(c.specificity() == 1);
  }
  SECTION("truth full") {
    CHECK(confusion{.true_positive = 9}.specificity() == 1);
    CHECK(confusion{.true_positive = 5, .false_negative = 4}.specificity() == 0);
  }
  SECTION("no pixels") {
    CHECK(confusion{}.accuracy() == 1);
    CHECK(confusion{}.iou() == 1);
    CHECK(confusion{}.specificity() == 1);
  }
}

TEST_CASE("every score of every small count lies in [0,1]", "[confusion]") {
  for (int code = 0; code < 81; ++code) {
    const confusion c{code % 3, code / 3 % 3, code / 9 % 3, code / 27};
    for (const double score : {c.accuracy(), c.iou(), c.dice(), c.precision(), c.recall(), c.specificity()}) {
      CHECK((score >= 0 && score <= 1));
    }
    CHECK(c.dice() == Approx(2 * c.iou() / (1 + c.iou())));
  }
}

TEST_CASE("counts add up", "[confusion]") {
  confusion sum = mixed;
  sum += confusion{1, 2, 3, 4};
  CHECK(sum == confusion{7, 4, 7, 12});
  CHECK(mixed + confusion{1, 2, 3, 4} == sum);
}

TEST_CASE("counting from logits, probabilities and masks", "[confusion]") {
  const std::vector<float> target{1, 1, 1, 0, 0, 0, 0};
  const confusion expected{.true_positive = 2, .false_positive = 1, .false_negative = 1, .true_negative = 3};

  CHECK(segx::count_from_logits(std::vector<float>{3, 0.1F, -1, 2, -2, 0, not_a_number}, target) == expected);
  CHECK(segx::count_from_probabilities(std::vector<float>{0.9F, 0.51F, 0.2F, 0.8F, 0.1F, 0.5F, not_a_number}, target) ==
        expected);
  const xt::xtensor<std::uint8_t, 2> mask = {{255, 1, 0, 255, 0, 0, 0}};
  const xt::xtensor<std::uint8_t, 2> truth = {{1, 255, 255, 0, 0, 0, 0}};
  CHECK(segx::count_from_masks(mask, truth) == expected);
}

TEST_CASE("a threshold on logits is the threshold on their probabilities", "[confusion]") {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(10'000);
  std::vector<float> probabilities;
  std::vector<float> target;
  for (float& z : logits) {
    z = normal(random);
    probabilities.push_back(1 / (1 + std::exp(-z)));
    target.push_back(static_cast<float>(random() % 2));
  }
  for (const float threshold : {0.01F, 0.3F, 0.5F, 0.9F}) {
    CHECK(segx::count_from_logits(logits, target, threshold) ==
          segx::count_from_probabilities(probabilities, target, threshold));
  }
}

TEST_CASE("xtensors are counted as they are", "[confusion]") {
  const xt::xtensor<float, 2> logits = {{1.0F, -1.0F}, {1.0F, -1.0F}};
  const xt::xtensor<float, 2> target = {{1.0F, 1.0F}, {0.0F, 0.0F}};
  CHECK(segx::count_from_logits(logits, target) == confusion{1, 1, 1, 1});
}

TEST_CASE("unequal sizes and thresholds that are no probabilities are refused", "[confusion]") {
  const std::vector<float> four(4);
  const std::vector<float> five(5);
  CHECK_THROWS_WITH(segx::count_from_logits(four, five), Catch::Contains("4 pixels") && Catch::Contains("5"));
  const xt::xtensor<std::uint8_t, 2> flat = {{1, 1, 1, 1}};
  const xt::xtensor<std::uint8_t, 2> square = {{1, 1}, {1, 1}};
  CHECK_THROWS_WITH(segx::count_from_masks(flat, square), Catch::Contains("1×4") && Catch::Contains("2×2"));
  for (const float threshold : {0.0F, 1.0F, -1.0F, not_a_number}) {
    CHECK_THROWS_AS(segx::count_from_logits(four, four, threshold), segx::error);
    CHECK_THROWS_AS(segx::count_from_probabilities(four, four, threshold), segx::error);
  }
}
