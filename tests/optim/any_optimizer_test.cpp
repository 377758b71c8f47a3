#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include <segx/optim/any_optimizer.hpp>

namespace {

std::vector<float> after_steps(segx::optimizer auto optimizer) {
  std::vector<float> w{1, -2, 3};
  for (int i = 0; i < 3; ++i) { optimizer.step(w, std::vector<float>{0.5F, 0.1F * static_cast<float>(i), -1}); }
  return w;
}

}  // namespace

TEST_CASE("named optimizers are the optimizers written in C++", "[any_optimizer]") {
  using namespace segx;
  CHECK(after_steps(make_optimizer("adam", 3, {.learning_rate = 0.1})) == after_steps(adam({.learning_rate = 0.1}, 3)));
  CHECK(after_steps(make_optimizer("adamw", 3)) == after_steps(adamw({}, 3)));
  CHECK(after_steps(make_optimizer("sgd", 3)) == after_steps(sgd({.momentum = 0.9}, 3)));
  CHECK(after_steps(make_optimizer("sgd", 3, {.momentum = 0})) == after_steps(sgd({}, 3)));
  for (const char* name : {"sgd", "adam", "adamw"}) { CHECK(make_optimizer(name, 3).name == name); }
}

TEST_CASE("weight decay is the optimizer's own unless given", "[any_optimizer]") {
  using namespace segx;
  CHECK(after_steps(make_optimizer("adamw", 3, {.weight_decay = 0})) == after_steps(adamw({.weight_decay = 0}, 3)));
  CHECK(after_steps(make_optimizer("adamw", 3, {.weight_decay = 0})) != after_steps(adamw({}, 3)));
  CHECK(after_steps(make_optimizer("adam", 3, {.weight_decay = 0.1})) == after_steps(adam({.weight_decay = 0.1}, 3)));
  CHECK(after_steps(make_optimizer("sgd", 3, {.weight_decay = 0.1})) ==
        after_steps(sgd({.momentum = 0.9, .weight_decay = 0.1}, 3)));
}

TEST_CASE("an unknown optimizer is refused with the known names", "[any_optimizer]") {
  CHECK_THROWS_WITH(segx::make_optimizer("Adam", 3),
                    Catch::Contains("'Adam'") && Catch::Contains("adam, adamw or sgd"));
  CHECK_THROWS_AS(segx::make_optimizer("", 3), segx::error);
}

TEST_CASE("any_optimizer moves with its state", "[any_optimizer]") {
  segx::any_optimizer first = segx::make_optimizer("adam", 1);
  std::vector<float> w{1};
  first.step(w, std::vector<float>{1});
  segx::any_optimizer second = std::move(first);
  CHECK(second.steps() == 1);
  CHECK(second.state()[0] == Approx(0.1));
}

TEST_CASE("any_optimizer keeps a name that the optimizer made", "[any_optimizer]") {
  struct named_sgd : segx::sgd {
    using segx::sgd::sgd;
    std::string name = "sgd of mine";  // short: it lies in the object itself
  };
  const segx::any_optimizer optimizer = named_sgd{{}, 3};
  CHECK(optimizer.name == "sgd of mine");
}
