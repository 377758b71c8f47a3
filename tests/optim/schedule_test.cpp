#include <catch2/catch.hpp>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include <segx/optim/schedule.hpp>

#include "optim/schedule_golden.hpp"

namespace {

/// The rate of each step of 12 epochs, each validated with the next of the golden scores.
std::vector<double> rates(segx::schedule s, int steps_per_epoch = 1, double base = 0.2) {
  std::vector<double> found;
  for (int epoch = 0; epoch < 12; ++epoch) {
    for (int step = 0; step < steps_per_epoch; ++step) {
      found.push_back(
          s(base, {.step = epoch * steps_per_epoch + step, .steps_per_epoch = steps_per_epoch, .epochs = 12}));
    }
    s.validated(golden::scores[epoch]);
  }
  return found;
}

template <std::size_t N>
void check_rates(const std::vector<double>& found, const double (&expected)[N]) {
  REQUIRE(found.size() == N);
  for (std::size_t i = 0; i < N; ++i) {
    INFO("step " << i);
    CHECK(found[i] == Approx(expected[i]).epsilon(1e-12));
  }
}

}  // namespace

TEST_CASE("schedules give PyTorch's learning rates", "[schedule]") {
  using segx::parse_schedule;
  check_rates(rates(parse_schedule("step(3,7;0.25)")), golden::step_3_7);
  check_rates(rates(parse_schedule("cosine")), golden::cosine);
  check_rates(rates(parse_schedule("poly(0.9)")), golden::poly_09);
  check_rates(rates(parse_schedule("constant", 4)), golden::warm_up_4);
  check_rates(rates(parse_schedule("cosine", 4)), golden::warm_up_4_cosine);
  check_rates(rates(parse_schedule("plateau(0.5,2)")), golden::plateau_2);
  check_rates(rates(parse_schedule("plateau(0.1,0,0.001)")), golden::plateau_0_least);
}

TEST_CASE("a constant schedule is the base rate", "[schedule]") { CHECK(rates({}) == std::vector<double>(12, 0.2)); }

TEST_CASE("milestones are epochs of the training, with or without a warm-up", "[schedule]") {
  const auto found = rates(segx::parse_schedule("step(1,2.5;0.5)", 0.5), 4, 1);
  const std::vector<double> expected{0.5, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25};  // of three epochs
  CHECK(std::vector<double>(found.begin(), found.begin() + 12) == expected);
}

TEST_CASE("a cosine by hand: within epochs, and from the end of the warm-up", "[schedule]") {
  const segx::schedule s = segx::parse_schedule("cosine", 1);
  const auto rate = [&](int step) { return s(1, {.step = step, .steps_per_epoch = 2, .epochs = 3}); };
  CHECK(rate(0) == 0.5);
  CHECK(rate(1) == 1);
  CHECK(rate(2) == 1);
  CHECK(rate(3) == Approx(0.5 * (1 + std::sqrt(0.5))));
  CHECK(rate(4) == Approx(0.5));
  CHECK(rate(5) == Approx(0.5 * (1 - std::sqrt(0.5))));
}

TEST_CASE("poly by hand", "[schedule]") {
  const segx::schedule s = segx::parse_schedule("poly(2)");
  CHECK(s(1, {.step = 3, .steps_per_epoch = 2, .epochs = 3}) == Approx(0.25));
}

TEST_CASE("a plateau waits for its patience, counts anew after each reduction, and starts again from a new best",
          "[schedule]") {
  segx::schedule s = segx::parse_schedule("plateau(0.5,1)");
  const auto after = [&](double score) {
    s.validated(score);
    return s(1, {});
  };
  CHECK(after(0.5) == 1);
  CHECK(after(0.5) == 1);  // an equal score is no gain
  CHECK(after(0.4) == 0.5);
  CHECK(after(0.4) == 0.5);
  CHECK(after(0.6) == 0.5);
  CHECK(after(0.5) == 0.5);
  CHECK(after(0.5) == 0.25);
}

TEST_CASE("a plateau's least rate never raises the rate", "[schedule]") {
  CHECK(segx::parse_schedule("plateau(0.5,1,0.1)")(0.01, {}) == 0.01);
}

TEST_CASE("schedules read what they write", "[schedule]") {
  for (const char* text : {"constant", "cosine", "step(30,60;0.1)", "step(2.5;0.5)", "poly(0.9)", "plateau(0.5,5,0)",
                           "plateau(0.1,0,0.001)"}) {
    CHECK(segx::parse_schedule(text).text() == text);
  }
  CHECK(segx::parse_schedule("step( 30 , 60 ;0.1 )").text() == "step(30,60;0.1)");
  CHECK(segx::parse_schedule("poly").text() == "poly(0.9)");
  CHECK(segx::parse_schedule("plateau").text() == "plateau(0.5,5,0)");
}

TEST_CASE("a schedule that is none is refused with what is expected", "[schedule]") {
  using Catch::Contains;
  CHECK_THROWS_WITH(segx::parse_schedule("cosin"), Contains("'cosin'") && Contains("constant; step(") &&
                                                       Contains("cosine") && Contains("poly") && Contains("plateau"));
  for (const char* text : {"step", "step()", "step(30)", "step(;0.1)", "step(30;)", "step(60,30;0.1)",
                           "step(30,30;0.1)", "step(0;0.1)", "step(30;1)", "step(30;0)", "step(30;0.1,0.2)",
                           "step(30;0.1;2)", "step(30;0.1", "step(30;0.1)x", "step(30 60;0.1)", "step(nan;0.1)"}) {
    INFO(text);
    CHECK_THROWS_WITH(segx::parse_schedule(text), Contains(text) && Contains("step(EPOCH,EPOCH,…;FACTOR)"));
  }
  for (const char* text : {"plateau(0.5)", "plateau(1,5)", "plateau(0.5,-1)", "plateau(0.5,1.5)", "plateau(0.5,5,-1)",
                           "plateau(0.5,5,0,0)", "plateau(0.5;5)"}) {
    INFO(text);
    CHECK_THROWS_WITH(segx::parse_schedule(text), Contains("plateau(FACTOR,EPOCHS)"));
  }
  for (const char* text : {"poly(0)", "poly(1,2)", "poly()", "poly(inf)", "constant(1)", "cosine(1)", "", " cosine"}) {
    INFO(text);
    CHECK_THROWS_AS(segx::parse_schedule(text), segx::error);
  }
}
