#include <catch2/catch.hpp>
#include <cmath>

#include <segx/losses/dice.hpp>
#include <segx/losses/focal_tversky.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/losses/tversky.hpp>

namespace {

using batch = xt::xtensor<double, 4>;

double logit(double p) { return std::log(p / (1 - p)); }

// Two images of one row: Σp = 1.5, Σt = 1, Σpt = 0.9 and Σp = 0.5, Σt = 2, Σpt = 0.5.
const batch logits = {{{{logit(0.9), logit(0.6)}}}, {{{logit(0.2), logit(0.3)}}}};
const batch target = {{{{1.0, 0.0}}}, {{{1.0, 1.0}}}};

}  // namespace

TEST_CASE("jaccard of known probabilities", "[jaccard]") {
  CHECK(segx::jaccard(logits, target) == Approx(1 - 1.4 / (2.0 + 3.0 - 1.4)));
  CHECK(segx::jaccard_per_image(logits, target) == Approx(((1 - 0.9 / 1.6) + (1 - 0.5 / 2.0)) / 2));
  CHECK(segx::jaccard_loss<>{.smooth = 1}(logits, target) == Approx(1 - 2.4 / 4.6));
}

TEST_CASE("dice of known probabilities", "[dice]") {
  CHECK(segx::dice(logits, target) == Approx(1 - 2.8 / 5.0));
  CHECK(segx::dice_per_image(logits, target) == Approx(((1 - 1.8 / 2.5) + (1 - 1.0 / 2.5)) / 2));
  CHECK(segx::dice_loss<>{.smooth = 1}(logits, target) == Approx(1 - 3.8 / 6.0));
}

TEMPLATE_TEST_CASE("an overlap loss is 0 for the mask itself, 1 for its opposite, 0 for two empty ones", "[overlap]",
                   segx::jaccard_loss<>, segx::dice_loss<>, segx::tversky_loss<>, segx::focal_tversky_loss<>) {
  constexpr TestType loss{};
  const batch sure = {{{{60.0, -60.0}}}};
  const batch mask = {{{{1.0, 0.0}}}};
  const batch opposite = {{{{0.0, 1.0}}}};
  CHECK(loss(sure, mask) == Approx(0).margin(1e-12));
  CHECK(loss(sure, opposite) == Approx(1).margin(1e-7));
  const batch nothing = {{{{-60.0, -60.0}}}};
  const batch empty = {{{{0.0, 0.0}}}};
  CHECK(loss(nothing, empty) == Approx(0).margin(1e-12));
}
