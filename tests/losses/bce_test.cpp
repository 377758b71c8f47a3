#include <catch2/catch.hpp>
#include <cmath>

#include <segx/losses/bce.hpp>

TEST_CASE("bce of known logits", "[bce]") {
  const xt::xtensor<double, 4> logits = {{{{0.0, 2.0}, {-1.0, 3.0}}}};
  const xt::xtensor<double, 4> target = {{{{1.0, 1.0}, {0.0, 0.0}}}};
  const double expected =
      (std::log(2.0) + std::log(1 + std::exp(-2.0)) + std::log(1 + std::exp(-1.0)) + std::log(1 + std::exp(3.0))) / 4;
  CHECK(segx::bce(logits, target) == Approx(expected).epsilon(1e-14));

  xt::xtensor<double, 4> gradient = {{{{0.0, 0.0}, {0.0, 0.0}}}};
  segx::bce(logits, target, gradient);
  CHECK(gradient(0, 0, 0, 0) == Approx((0.5 - 1) / 4).epsilon(1e-14));
  CHECK(gradient(0, 0, 1, 1) == Approx(1 / (1 + std::exp(-3.0)) / 4).epsilon(1e-14));
}

TEST_CASE("bce grows as the logit where a confident prediction is wrong, in float too", "[bce]") {
  const xt::xtensor<float, 4> logits = {{{{1e6F, -1e6F}}}};
  const xt::xtensor<float, 4> wrong = {{{{0.0F, 1.0F}}}};
  const xt::xtensor<float, 4> right = {{{{1.0F, 0.0F}}}};
  CHECK(segx::bce(logits, wrong) == 1e6);
  CHECK(segx::bce(logits, right) < 1e-30);
}

TEST_CASE("bce keeps the small losses of confident right predictions", "[bce]") {
  const xt::xtensor<float, 4> logits = {{{{30.0F}}}};
  const xt::xtensor<float, 4> target = {{{{1.0F}}}};
  CHECK(segx::bce(logits, target) == Approx(std::exp(-30.0)).epsilon(1e-6));
}

TEST_CASE("bce refuses weights that are not one for each channel", "[bce]") {
  const xt::xtensor<float, 4> x = xt::zeros<float>({1, 3, 2, 2});
  CHECK_THROWS_WITH((segx::bce_loss{.pos_weight = {1, 2}}(x, x)),
                    Catch::Contains("bce: pos_weight has 2 numbers") && Catch::Contains("3 channels"));
}
