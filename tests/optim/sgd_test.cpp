#include <catch2/catch.hpp>
#include <vector>

#include <segx/optim/sgd.hpp>

namespace {

/// What PyTorch's documentation of torch.optim.SGD says, for one weight in double.
double by_the_book(segx::sgd_options o, double w, const std::vector<double>& gradients) {
  double b = 0;
  for (std::size_t t = 0; t < gradients.size(); ++t) {
    double g = gradients[t];
    if (o.weight_decay != 0) { g += o.weight_decay * w; }
    if (o.momentum != 0) {
      b = t == 0 ? g : o.momentum * b + g;
      g = o.nesterov ? g + o.momentum * b : b;
    }
    w -= o.learning_rate * g;
  }
  return w;
}

}  // namespace

TEST_CASE("sgd takes the steps of the book", "[sgd]") {
  const segx::sgd_options o =
      GENERATE(segx::sgd_options{}, segx::sgd_options{.learning_rate = 0.1, .weight_decay = 0.01},
               segx::sgd_options{.learning_rate = 0.1, .momentum = 0.9}, segx::sgd_options{0.1, 0.9, true, 0.02});
  const std::vector<double> gradients{0.3, -0.2, 1.5, 0.0, 0.7};
  std::vector<double> weights{0.5, -2};
  segx::basic_sgd<double> optimizer(o, 2);
  std::vector<float> narrow{0.5, -2};
  segx::sgd narrow_optimizer(o, 2);
  for (const double g : gradients) {
    optimizer.step(weights, std::vector<double>{g, -g});
    narrow_optimizer.step(narrow, std::vector<float>{static_cast<float>(g), static_cast<float>(-g)});
  }
  std::vector<double> opposite;
  for (const double g : gradients) { opposite.push_back(-g); }
  CHECK(weights[0] == Approx(by_the_book(o, 0.5, gradients)).epsilon(1e-14));
  CHECK(weights[1] == Approx(by_the_book(o, -2, opposite)).epsilon(1e-14));
  CHECK(narrow[0] == Approx(weights[0]).epsilon(1e-6));
  CHECK(narrow[1] == Approx(weights[1]).epsilon(1e-6));
}

TEST_CASE("two steps of momentum by hand", "[sgd]") {
  segx::basic_sgd<double> optimizer({.learning_rate = 0.5, .momentum = 0.5}, 1);
  std::vector<double> w{1};
  optimizer.step(w, std::vector<double>{1});  // b = 1
  CHECK(w[0] == 0.5);
  optimizer.step(w, std::vector<double>{0.5});  // b = 1
  CHECK(w[0] == 0);
  CHECK(optimizer.state()[0] == 1);
}

TEST_CASE("sgd without momentum remembers nothing", "[sgd]") {
  CHECK(segx::sgd({}, 10).state().empty());
  CHECK(segx::sgd({.momentum = 0.9}, 10).state().size() == 10);
}

TEST_CASE("sgd refuses options without meaning", "[sgd]") {
  CHECK_THROWS_WITH(segx::sgd({.learning_rate = -1}, 1), Catch::Contains("sgd: learning_rate is -1"));
  CHECK_THROWS_WITH(segx::sgd({.momentum = -0.5}, 1), Catch::Contains("momentum"));
  CHECK_THROWS_WITH(segx::sgd({.nesterov = true}, 1), Catch::Contains("above 0 for nesterov"));
  CHECK_THROWS_WITH(segx::sgd({.weight_decay = -1}, 1), Catch::Contains("weight_decay"));
}
