#include <catch2/catch.hpp>
#include <vector>

#include <segx/optim/moving_average.hpp>

TEST_CASE("a moving average by hand", "[moving_average]") {
  std::vector<float> average{1, 0};
  segx::move_average(average, std::vector<float>{2, 10}, 0.15, 0);  // d = 1/10
  CHECK(average[0] == Approx(1.9));
  CHECK(average[1] == Approx(9));
  segx::move_average(average, std::vector<float>{0, 0}, 0.15, 1);  // d = min(0.15, 2/11)
  CHECK(average[0] == Approx(0.285));
  CHECK(average[1] == Approx(1.35));
}

TEST_CASE("a moving average forgets its start the slower the further the training is, up to the decay",
          "[moving_average]") {
  for (const int step : {0, 1, 5, 100, 100000}) {
    std::vector<float> average{1};
    segx::move_average(average, std::vector<float>{0}, 0.999, step);
    CHECK(average[0] == Approx(step == 100000 ? 0.999 : (1.0 + step) / (10.0 + step)));
  }
}

TEST_CASE("a decay of 0 repeats the weights", "[moving_average]") {
  std::vector<float> average{1};
  segx::move_average(average, std::vector<float>{7}, 0, 50);
  CHECK(average[0] == 7);
}

TEST_CASE("a moving average refuses weights of another count, and does not move", "[moving_average]") {
  std::vector<float> average{1, 2};
  CHECK_THROWS_WITH(segx::move_average(average, std::vector<float>{1}, 0.9, 0),
                    Catch::Contains("moving average: made for 2"));
  CHECK(average == std::vector<float>{1, 2});
}
