#include <segx/train/early_stop.hpp>

#include <catch2/catch.hpp>

TEST_CASE("a training is over when its score has waited for so many epochs") {
  segx::early_stop stop{.epochs = 2};
  const auto after = [&](double score) {
    stop.validated(score);
    return stop.is_time();
  };
  CHECK_FALSE(after(0.5));
  CHECK_FALSE(after(0.5));
  CHECK_FALSE(after(0.51));
  CHECK_FALSE(after(0.4));
  CHECK(after(0.51));
  CHECK_FALSE(after(0.6));
}

TEST_CASE("small gains do not count, but they add up") {
  segx::early_stop stop{.epochs = 3, .min_delta = 0.01};
  for (const double score : {0.5, 0.505, 0.509}) { stop.validated(score); }
  CHECK(stop.seen.waited == 2);
  stop.validated(0.511);
  CHECK(stop.seen.waited == 0);
}

TEST_CASE("without a patience a training goes on") {
  segx::early_stop stop;
  for (int epoch = 0; epoch < 100; ++epoch) { stop.validated(0); }
  CHECK_FALSE(stop.is_time());
}
