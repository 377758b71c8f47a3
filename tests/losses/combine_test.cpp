#include <catch2/catch.hpp>
#include <type_traits>

#include <segx/losses/any_loss.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/jaccard.hpp>

namespace {

constexpr auto sum = segx::bce + 0.5 * segx::jaccard;

static_assert(segx::loss<decltype(sum)>);
static_assert(std::is_same_v<std::remove_const_t<decltype(sum)>,
                             segx::loss_sum<segx::bce_loss, segx::scaled_loss<segx::jaccard_loss<>>>>);
static_assert(sum.right.factor == 0.5);
static_assert(!segx::loss<int>);

const xt::xtensor<double, 4> logits = {{{{0.3, -2.0, 1.0}}}};
const xt::xtensor<double, 4> target = {{{{1.0, 0.0, 0.0}}}};

}  // namespace

TEST_CASE("a weighted sum adds weighted values and gradients", "[combine]") {
  const double bce = segx::bce(logits, target);
  const double jaccard = segx::jaccard(logits, target);
  CHECK(sum(logits, target) == Approx(bce + 0.5 * jaccard));

  xt::xtensor<double, 4> together = {{{{0.0, 0.0, 0.0}}}};
  xt::xtensor<double, 4> apart = together;
  sum(logits, target, together, 3);
  segx::bce(logits, target, apart, 3);
  segx::jaccard(logits, target, apart, 1.5);
  CHECK((together == apart));
}

TEST_CASE("losses say what they are", "[combine]") {
  CHECK(sum.text() == "bce+0.5*jaccard");
  CHECK((0.25 * (segx::bce + segx::jaccard_per_image)).text() == "0.25*(bce+jaccard(over=image))");
  CHECK((2 * segx::jaccard_loss<>{.smooth = 1} + segx::bce).text() == "2*jaccard(smooth=1)+bce");
}

TEST_CASE("losses that read logits differently do not add up, at run time either", "[combine]") {
  const segx::any_loss left = segx::bce;
  const segx::any_loss right = segx::softmax_dice;
  CHECK_THROWS_WITH(left + right, Catch::Contains("bce+softmax_dice: one of them reads logits by a sigmoid"));
  CHECK((right + segx::softmax_dice).facts().reads == segx::probability::softmax);
}
