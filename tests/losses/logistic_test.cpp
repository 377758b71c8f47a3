#include <catch2/catch.hpp>
#include <limits>

#include <segx/losses/logistic.hpp>

using namespace segx::detail;

TEST_CASE("exp_minus_abs in float is exp(−|z|) to 1e-7", "[logistic]") {
  double error = 0;
  for (int i = 0; i < 86'000; ++i) {
    block_of<float> z{};
    z[0] = static_cast<float>(i) * 1e-3F + 1.7e-5F;
    z[1] = -z[0];
    block_of<float> e{};
    exp_minus_abs(z.data(), e, 2);
    const double exact = std::exp(-static_cast<double>(z[0]));
    error = std::max({error, std::abs(e[0] / exact - 1), std::abs(e[1] / exact - 1)});
  }
  CHECK(error < 1e-7);
}

TEST_CASE("exp_minus_abs is exact at 0 and positive however large the logit", "[logistic]") {
  const block_of<float> z{0.0F, -0.0F, 87.0F, 1e4F, -1e38F};
  block_of<float> e{};
  exp_minus_abs(z.data(), e, 5);
  CHECK(e[0] == 1);
  CHECK(e[1] == 1);
  CHECK(e[2] > 1e-38F);
  CHECK(e[3] == e[2]);
  CHECK(e[4] == e[2]);
}

TEST_CASE("log1p_of_unit in float is log(1 + e) to 3e-7", "[logistic]") {
  CHECK(log1p_of_unit(0.0F) == 0);
  double error = 0;
  for (float e = 1e-30F; e <= 1; e *= 1.0003F) {
    const double exact = std::log1p(static_cast<double>(e));
    error = std::max(error, std::abs(log1p_of_unit(e) / exact - 1));
  }
  CHECK(error < 3e-7);
}

TEST_CASE("log_of in float is log x to 2e-7, relative to it or to 1", "[logistic]") {
  CHECK(log_of(1.0F) == 0);
  double error = 0;
  for (float x = 1.2e-38F; x < 1e30F; x *= 1.0007F) {
    const double exact = std::log(static_cast<double>(x));
    error = std::max(error, std::abs(log_of(x) - exact) / std::max(1.0, std::abs(exact)));
  }
  CHECK(error < 2e-7);
  CHECK(std::isnan(log_of(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("for_each_block covers every element once", "[logistic]") {
  for (const std::size_t size : {0, 1, 63, 64, 65, 128, 200}) {
    std::size_t next = 0;
    for_each_block(size, [&](std::size_t first, std::size_t count) {
      CHECK(first == next);
      CHECK(count <= block);
      next = first + count;
    });
    CHECK(next == size);
  }
}
