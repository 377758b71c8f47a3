#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <segx/optim/adam.hpp>
#include <segx/optim/adamw.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/optim/sgd.hpp>

namespace {

constexpr std::size_t parameters = 101;

template <class T>
std::vector<T> random_values(unsigned seed, std::size_t count = parameters) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<T> x(count);
  for (T& value : x) { value = normal(random); }
  return x;
}

struct sgd_case {
  static auto make(std::size_t count) { return segx::sgd({.learning_rate = 0.05, .weight_decay = 0.01}, count); }
};
struct momentum_case {
  static auto make(std::size_t count) { return segx::sgd({.learning_rate = 0.05, .momentum = 0.8}, count); }
};
struct nesterov_case {
  static auto make(std::size_t count) {
    return segx::sgd({.learning_rate = 0.05, .momentum = 0.8, .nesterov = true}, count);
  }
};
struct adam_case {
  static auto make(std::size_t count) { return segx::adam({.learning_rate = 0.05, .weight_decay = 1e-4}, count); }
};
struct adamw_case {
  static auto make(std::size_t count) { return segx::adamw({.learning_rate = 0.05}, count); }
};
struct any_case {
  static auto make(std::size_t count) { return segx::make_optimizer("adamw", count, {.learning_rate = 0.05}); }
};

}  // namespace

#define ALL_OPTIMIZERS sgd_case, momentum_case, nesterov_case, adam_case, adamw_case, any_case

TEMPLATE_TEST_CASE("an optimizer restored from state and steps continues bit for bit", "[optimizer]", ALL_OPTIMIZERS) {
  std::vector<float> unbroken = random_values<float>(1);
  auto first = TestType::make(parameters);
  for (unsigned i = 0; i < 5; ++i) { first.step(unbroken, random_values<float>(100 + i)); }
  std::vector<float> resumed = unbroken;
  auto second = TestType::make(parameters);
  REQUIRE(second.state().size() == first.state().size());
  std::copy(first.state().begin(), first.state().end(), second.state().begin());
  second.set_steps(first.steps());
  for (unsigned i = 5; i < 10; ++i) {
    first.step(unbroken, random_values<float>(100 + i));
    second.step(resumed, random_values<float>(100 + i));
  }
  CHECK(unbroken == resumed);
  CHECK(first.steps() == 10);
  CHECK(second.steps() == 10);
  CHECK(std::equal(first.state().begin(), first.state().end(), second.state().begin()));
}

TEMPLATE_TEST_CASE("a weight's path depends on its gradients only, not on its place or its neighbours", "[optimizer]",
                   ALL_OPTIMIZERS) {
  const auto path = [](std::size_t count, std::size_t place, std::size_t offset) {
    std::vector<float> weights(count + offset, 0.5F);
    std::vector<float> gradients(count + offset);
    auto optimizer = TestType::make(count);
    weights[place + offset] = 0.7F;
    for (int i = 0; i < 20; ++i) {
      std::iota(gradients.begin(), gradients.end(), static_cast<float>(i));
      gradients[place + offset] = std::sin(1.3F * static_cast<float>(i));
      optimizer.step(std::span(weights).subspan(offset), std::span<const float>(gradients).subspan(offset));
    }
    return weights[place + offset];
  };
  const float alone = path(1, 0, 0);
  for (const std::size_t count : {7, 64, 101}) {
    for (const std::size_t offset : {0, 1, 3}) {
      CHECK(path(count, 0, offset) == alone);
      CHECK(path(count, count / 2, offset) == alone);
      CHECK(path(count, count - 1, offset) == alone);
    }
  }
}

TEMPLATE_TEST_CASE("an optimizer finds the minimum of a quadratic", "[optimizer]", ALL_OPTIMIZERS) {
  // ½ Σ c (w − 3)², whose minimum weight decay moves a little.
  std::vector<float> weights = random_values<float>(3);
  std::vector<float> gradients(parameters);
  auto optimizer = TestType::make(parameters);
  for (int step = 0; step < 1500; ++step) {
    for (std::size_t i = 0; i < parameters; ++i) {
      const float curvature = 0.3F + 2 * static_cast<float>(i) / parameters;
      gradients[i] = curvature * (weights[i] - 3);
    }
    if (step == 1000) { optimizer.set_learning_rate(0.005); }
    optimizer.step(weights, gradients);
  }
  for (const float w : weights) { CHECK(w == Approx(3).margin(0.15)); }
}

#if defined(__SSE__) || defined(__aarch64__)
TEMPLATE_TEST_CASE("a mean of gradients that fades becomes zero", "[optimizer]", momentum_case, nesterov_case,
                   adamw_case) {
  std::vector<float> weights(parameters, 1);
  auto optimizer = TestType::make(parameters);
  optimizer.step(weights, std::vector<float>(parameters, 1));
  REQUIRE(optimizer.state()[0] > 0);
  for (int i = 0; i < 1500; ++i) { optimizer.step(weights, std::vector<float>(parameters, 0)); }
  CHECK(std::all_of(optimizer.state().begin(), optimizer.state().begin() + parameters, [](float m) { return m == 0; }));
  volatile float least = std::numeric_limits<float>::min();
  CHECK(least / 2 > 0);  // others' numbers are as before
}
#endif

TEMPLATE_TEST_CASE("sizes other than the optimizer's are refused, and change nothing", "[optimizer]", ALL_OPTIMIZERS) {
  auto optimizer = TestType::make(parameters);
  std::vector<float> weights(parameters, 1);
  std::vector<float> fewer(parameters - 1, 1);
  CHECK_THROWS_WITH(optimizer.step(weights, fewer), Catch::Contains("101 weights and 100 gradients"));
  CHECK_THROWS_AS(optimizer.step(fewer, weights), segx::error);
  CHECK(optimizer.steps() == 0);
  CHECK(weights == std::vector<float>(parameters, 1));
}

TEMPLATE_TEST_CASE("a group moves as by an optimizer of its own, and what no group names stays", "[optimizer]",
                   ALL_OPTIMIZERS) {
  constexpr std::size_t first = 10;
  constexpr std::size_t count = 33;
  const std::vector<float> start = random_values<float>(1);
  std::vector<float> grouped = start;
  std::vector<float> alone(start.begin() + first, start.begin() + first + count);
  auto of_all = TestType::make(parameters);
  of_all.set_groups({{.first = 3, .count = 4}, {.first = first, .count = count, .rate = 0.25}});
  auto of_group = TestType::make(count);
  of_group.set_learning_rate(0.25 * 0.05);
  for (unsigned i = 0; i < 5; ++i) {
    const std::vector<float> g = random_values<float>(100 + i);
    of_all.step(grouped, g);
    of_group.step(alone, std::span(g).subspan(first, count));
  }
  CHECK(std::equal(alone.begin(), alone.end(), grouped.begin() + first));
  for (std::size_t i = 0; i < parameters; ++i) {
    const bool moves = (i >= 3 && i < 7) || (i >= first && i < first + count);
    CHECK((grouped[i] != start[i]) == moves);
    for (std::size_t part = 0; part < of_all.state().size(); part += parameters) {
      CHECK((of_all.state()[part + i] != 0) == moves);
    }
  }
}

TEMPLATE_TEST_CASE("weight decay leaves groups alone that do not decay", "[optimizer]", ALL_OPTIMIZERS) {
  const std::vector<float> start = random_values<float>(1);
  std::vector<float> weights = start;
  auto optimizer = TestType::make(parameters);
  optimizer.set_groups({{.count = parameters, .decays = false}});
  optimizer.step(weights, std::vector<float>(parameters));
  CHECK(weights == start);
}

TEMPLATE_TEST_CASE("groups must be apart and within the parameters", "[optimizer]", ALL_OPTIMIZERS) {
  using Catch::Contains;
  auto optimizer = TestType::make(parameters);
  CHECK_THROWS_WITH(optimizer.set_groups({{.first = 1, .count = parameters}}), Contains("no group of 101"));
  CHECK_THROWS_AS(optimizer.set_groups({{.first = 0, .count = 5}, {.first = 4, .count = 2}}), segx::error);
  CHECK_THROWS_AS(optimizer.set_groups({{.first = 5, .count = 5}, {.first = 0, .count = 2}}), segx::error);
  CHECK_THROWS_AS(optimizer.set_groups({{.first = std::size_t(-1), .count = 2}}), segx::error);
  CHECK_THROWS_WITH(optimizer.set_groups({{.count = 5, .rate = 0}}), Contains("above 0"));
  CHECK_THROWS_AS(optimizer.set_groups({{.count = 5, .rate = INFINITY}}), segx::error);
  std::vector<float> weights(parameters, 1);
  optimizer.step(weights, std::vector<float>(parameters, 1));  // all of them still move
  CHECK(std::count(weights.begin(), weights.end(), 1.0F) == 0);
}

TEMPLATE_TEST_CASE("the learning rate can be set, and must be a finite number", "[optimizer]", ALL_OPTIMIZERS) {
  auto optimizer = TestType::make(parameters);
  CHECK(optimizer.learning_rate() == 0.05);
  optimizer.set_learning_rate(0.25);
  CHECK(optimizer.learning_rate() == 0.25);
  CHECK_THROWS_AS(optimizer.set_learning_rate(-1), segx::error);
  CHECK_THROWS_AS(optimizer.set_learning_rate(std::nan("")), segx::error);
  CHECK_THROWS_AS(optimizer.set_learning_rate(INFINITY), segx::error);
  CHECK(optimizer.learning_rate() == 0.25);
}
