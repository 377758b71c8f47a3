#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include <segx/optim/adam.hpp>
#include <segx/optim/adamw.hpp>

namespace {

/// Algorithm 2 of Loshchilov & Hutter, arXiv:1711.05101, for one weight in double: with L2 (Adam) or decoupled (AdamW).
double by_the_book(const auto& o, bool decoupled, double w, const std::vector<double>& gradients) {
  double m = 0;
  double v = 0;
  double beta1_power = 1;
  double beta2_power = 1;
  for (double g : gradients) {
    beta1_power *= o.beta1;
    beta2_power *= o.beta2;
    if (!decoupled) { g += o.weight_decay * w; }
    m = o.beta1 * m + (1 - o.beta1) * g;
    v = o.beta2 * v + (1 - o.beta2) * g * g;
    const double m_hat = m / (1 - beta1_power);
    const double v_hat = v / (1 - beta2_power);
    const double before = w;
    w -= o.learning_rate * m_hat / (std::sqrt(v_hat) + o.epsilon);
    if (decoupled) { w -= o.learning_rate * o.weight_decay * before; }
  }
  return w;
}

template <template <class> class Optimizer>
void check_by_the_book(typename Optimizer<double>::options o, bool decoupled) {
  std::vector<double> gradients;
  for (int i = 0; i < 40; ++i) { gradients.push_back(std::cos(0.9 * i) + 0.2); }
  Optimizer<double> wide(o, 2);
  Optimizer<float> narrow(o, 2);
  std::vector<double> w{0.5, -2};
  std::vector<float> narrow_w{0.5, -2};
  for (const double g : gradients) {
    wide.step(w, std::vector<double>{g, 100 * g});
    narrow.step(narrow_w, std::vector<float>{static_cast<float>(g), static_cast<float>(100 * g)});
  }
  std::vector<double> hundredfold;
  for (const double g : gradients) { hundredfold.push_back(100 * g); }
  CHECK(w[0] == Approx(by_the_book(o, decoupled, 0.5, gradients)).epsilon(1e-12));
  CHECK(w[1] == Approx(by_the_book(o, decoupled, -2, hundredfold)).epsilon(1e-12));
  CHECK(narrow_w[0] == Approx(w[0]).epsilon(1e-5));
  CHECK(narrow_w[1] == Approx(w[1]).epsilon(1e-5));
}

}  // namespace

TEST_CASE("adam takes the steps of the book", "[adam]") {
  check_by_the_book<segx::basic_adam>({}, false);
  check_by_the_book<segx::basic_adam>({.learning_rate = 0.02, .weight_decay = 0.1}, false);
  check_by_the_book<segx::basic_adam>({.learning_rate = 0.1, .beta1 = 0.5, .beta2 = 0.9, .epsilon = 1e-3}, false);
  check_by_the_book<segx::basic_adam>({.beta1 = 0, .beta2 = 0}, false);
}

TEST_CASE("adamw takes the steps of the book", "[adamw]") {
  check_by_the_book<segx::basic_adamw>({}, true);
  check_by_the_book<segx::basic_adamw>({.learning_rate = 0.02, .weight_decay = 0.5}, true);
}

TEST_CASE("adam's first step is the learning rate against the sign of the gradient", "[adam]") {
  segx::adam optimizer({.learning_rate = 0.01}, 3);
  std::vector<float> w{1, 1, 1};
  optimizer.step(w, std::vector<float>{5, -1e-3F, 0});
  CHECK(w[0] == Approx(0.99));
  CHECK(w[1] == Approx(1.01).epsilon(1e-6));
  CHECK(w[2] == 1);
}

TEST_CASE("adamw shrinks weights without gradients, adam with L2 moves them by the learning rate", "[adamw]") {
  segx::adamw decoupled({.learning_rate = 0.1, .weight_decay = 0.5}, 1);
  std::vector<float> w{2};
  decoupled.step(w, std::vector<float>{0});
  CHECK(w[0] == Approx(2 * (1 - 0.05)));
  segx::adam coupled({.learning_rate = 0.1, .weight_decay = 0.5}, 1);
  w = {2};
  coupled.step(w, std::vector<float>{0});
  CHECK(w[0] == Approx(1.9));
}

TEST_CASE("adam's state is both moments", "[adam]") {
  segx::adam optimizer({}, 2);
  std::vector<float> w{1, 1};
  optimizer.step(w, std::vector<float>{1, 2});
  REQUIRE(optimizer.state().size() == 4);
  CHECK(optimizer.state()[0] == Approx(0.1));
  CHECK(optimizer.state()[1] == Approx(0.2));
  CHECK(optimizer.state()[2] == Approx(0.001));
  CHECK(optimizer.state()[3] == Approx(0.004));
}

TEST_CASE("adam and adamw refuse options without meaning", "[adam]") {
  CHECK_THROWS_WITH(segx::adam({.learning_rate = -1}, 1), Catch::Contains("adam: learning_rate"));
  CHECK_THROWS_WITH(segx::adam({.beta1 = 1}, 1), Catch::Contains("beta1") && Catch::Contains("[0,1)"));
  CHECK_THROWS_WITH(segx::adamw({.beta2 = -0.1}, 1), Catch::Contains("adamw: beta2"));
  CHECK_THROWS_WITH(segx::adam({.epsilon = 0}, 1), Catch::Contains("epsilon"));
  CHECK_THROWS_WITH(segx::adamw({.weight_decay = std::nan("")}, 1), Catch::Contains("weight_decay"));
}
