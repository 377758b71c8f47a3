#include <segx/core/random.hpp>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <vector>

using segx::random_generator;

TEST_CASE("random numbers are the same on every machine") {
  random_generator random({1, 2, 3});
  CHECK(random.bits() == 0x214d4c07ecfeaac5U);
  CHECK(random.bits() == 0x6ff419cb83dfe1e6U);
  std::array<int, 8> order{0, 1, 2, 3, 4, 5, 6, 7};
  random_generator({42}).shuffle(std::span<int>(order));
  CHECK(order == std::array<int, 8>{3, 6, 0, 7, 1, 2, 5, 4});
}

TEST_CASE("a purpose is more than the sum of its numbers") {
  const auto first = [](std::initializer_list<std::uint64_t> purpose) { return random_generator(purpose).bits(); };
  CHECK(first({1, 2}) != first({2, 1}));
  CHECK(first({1}) != first({1, 0}));
  CHECK(first({0}) != first({0, 0}));
  CHECK(first({5, 1}) == first({5, 1}));
}

TEST_CASE("uniform fills [0,1) and below is fair") {
  random_generator random({9});
  constexpr int draws = 60000;
  double sum = 0, least = 1, most = 0;
  std::array<int, 6> count{};
  for (int k = 0; k < draws; ++k) {
    const double u = random.uniform();
    sum += u;
    least = std::min(least, u);
    most = std::max(most, u);
    ++count[random.below(6)];
  }
  CHECK(least >= 0);
  CHECK(most < 1);
  CHECK(sum / draws == Approx(0.5).margin(0.01));
  for (const int c : count) { CHECK(c == Approx(draws / 6).epsilon(0.05)); }
  CHECK(random.below(1) == 0);
}

TEST_CASE("each order is equally likely after a shuffle") {
  std::map<std::vector<int>, int> seen;
  for (std::uint64_t seed = 0; seed < 12000; ++seed) {
    std::vector<int> order{0, 1, 2, 3};
    random_generator({seed}).shuffle(std::span<int>(order));
    ++seen[order];
  }
  CHECK(seen.size() == 24);
  for (const auto& [order, count] : seen) { CHECK(std::abs(count - 500) < 120); }
}
