#include <catch2/catch.hpp>
#include <cmath>

#include <segx/losses/any_loss.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/border_weight.hpp>
#include <segx/losses/class_balance.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/cross_entropy.hpp>
#include <segx/losses/dice.hpp>

namespace {

using batch = xt::xtensor<double, 4>;

const batch logits = {{{{0.5, -1.0}}, {{2.0, 0.0}}}};
const batch target = {{{{1.0, 0.0}}, {{1.0, 1.0}}}};

/// bce of each element of `logits`.
const batch apart = {
    {{{std::log1p(std::exp(-0.5)), std::log1p(std::exp(-1.0))}}, {{std::log1p(std::exp(-2.0)), std::log(2.0)}}}};

}  // namespace

TEST_CASE("a map weighs the terms of the mean, for all channels or for each", "[weighted]") {
  const segx::weight_map for_all{{{{{3.0F, 0.0F}}}}};
  CHECK((for_all * segx::bce)(logits, target) == Approx((3 * apart(0, 0, 0, 0) + 3 * apart(0, 1, 0, 0)) / 4));
  const segx::weight_map for_each{{{{{3.0F, 0.0F}}, {{0.0F, 2.0F}}}}};
  CHECK((for_each * segx::bce)(logits, target) == Approx((3 * apart(0, 0, 0, 0) + 2 * apart(0, 1, 0, 1)) / 4));
  batch gradient = xt::zeros_like(logits);
  (for_each * segx::bce)(logits, target, gradient);
  CHECK(gradient(0, 0, 0, 1) == 0);
  CHECK(gradient(0, 1, 0, 1) == Approx(2 * (0.5 - 1) / 4));
}

TEST_CASE("weights of weights multiply, in either order", "[weighted]") {
  const segx::weight_map for_all{{{{{3.0F, 2.0F}}}}};
  const segx::weight_map for_each{{{{{1.0F, 0.0F}}, {{0.0F, 5.0F}}}}};
  const double expected = (3 * apart(0, 0, 0, 0) + 10 * apart(0, 1, 0, 1)) / 4;
  CHECK((for_all * (for_each * segx::bce))(logits, target) == Approx(expected));
  CHECK((for_each * (for_all * segx::bce))(logits, target) == Approx(expected));
}

TEST_CASE("a map of another shape is refused", "[weighted]") {
  const segx::weight_map small{{{{{1.0F}}}}};
  CHECK_THROWS_WITH((small * segx::bce)(logits, target),
                    Catch::Contains("weights are [1,1,1,1]") && Catch::Contains("target is [1,2,1,2]"));
}

TEST_CASE("weights are refused at run time where a loss takes none", "[weighted]") {
  const segx::any_loss dice = segx::dice;
  CHECK_THROWS_WITH(segx::class_balance{} * dice, Catch::Contains("class_balance*dice: not every loss here"));
}

TEST_CASE("class_balance gives foreground and background of a channel the same weight", "[class_balance]") {
  const batch t = {{{{1.0, 0.0, 0.0, 0.0}}, {{0.0, 0.0, 0.0, 0.0}}, {{1.0, 1.0, 1.0, 1.0}}}};
  const batch expected = {{{{2.0, 2.0 / 3, 2.0 / 3, 2.0 / 3}}, {{0.5, 0.5, 0.5, 0.5}}, {{0.5, 0.5, 0.5, 0.5}}}};
  CHECK(xt::allclose(segx::class_balance{}(t), expected));
}

TEST_CASE("border_weight is large between two objects, and 1 where there is one", "[border_weight]") {
  const batch t = {{{{1.0, 0.0, 0.0, 1.0, 0.0}}, {{1.0, 1.0, 0.0, 0.0, 0.0}}}};
  const segx::border_weight border{.w0 = 6, .sigma = 2};
  const auto w = [](double sum) { return 1 + 6 * std::exp(-sum * sum / 8); };
  const batch expected = {{{{w(3), w(3), w(3), w(3), w(5)}}, {{1.0, 1.0, 1.0, 1.0, 1.0}}}};
  CHECK(xt::allclose(border(t), expected));
  CHECK((border * segx::bce).text() == "border_weight(w0=6,sigma=2)*bce");
}
