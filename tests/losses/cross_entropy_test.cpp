#include <catch2/catch.hpp>
#include <cmath>

#include <segx/losses/cross_entropy.hpp>
#include <segx/losses/focal.hpp>

namespace {

using batch = xt::xtensor<double, 4>;

// Three pixels of two classes: p of the right class is 1/2, 3/4, and the last pixel has no class.
const batch logits = {{{{0.0, std::log(3.0), 5.0}}, {{0.0, 0.0, 1.0}}}};
const batch target = {{{{1.0, 1.0, 0.0}}, {{0.0, 0.0, 0.0}}}};

}  // namespace

TEST_CASE("cross_entropy of known logits", "[cross_entropy]") {
  const double expected = (std::log(2.0) + std::log(4.0 / 3)) / 2;
  CHECK(segx::cross_entropy(logits, target) == Approx(expected).epsilon(1e-14));
  batch gradient = xt::zeros_like(logits);
  segx::cross_entropy(logits, target, gradient);
  CHECK(gradient(0, 0, 0, 1) == Approx((0.75 - 1) / 2));
  CHECK(gradient(0, 1, 0, 1) == Approx(0.25 / 2));
}

TEST_CASE("a pixel without a class costs nothing, smoothed either, nor does it count", "[cross_entropy]") {
  batch gradient = xt::zeros_like(logits);
  segx::cross_entropy_loss{.smoothing = 0.3}(logits, target, gradient);
  CHECK(gradient(0, 0, 0, 2) == 0);
  CHECK(gradient(0, 1, 0, 2) == 0);
  CHECK(segx::cross_entropy_loss{.weights = {1, 1}}(logits, target) == segx::cross_entropy(logits, target));
  CHECK(segx::cross_entropy(logits, xt::zeros_like(target)) == 0);
}

TEST_CASE("weights divide by the weights of the target, as in PyTorch; a weight of 0 for all leaves nothing",
          "[cross_entropy]") {
  CHECK(segx::cross_entropy_loss{.weights = {7, 1}}(logits, target) ==
        Approx((std::log(2.0) + std::log(4.0 / 3)) / 2).epsilon(1e-14));
  CHECK(segx::cross_entropy_loss{.weights = {0, 1}}(logits, target) == 0);
}

TEST_CASE("softmax losses refuse a single channel", "[cross_entropy]") {
  const batch one = {{{{1.0, 2.0}}}};
  CHECK_THROWS_WITH(segx::cross_entropy(one, one), Catch::Contains("softmax of a single channel is always 1"));
}

TEST_CASE("focal losses without focus are cross-entropies", "[focal]") {
  CHECK(3 * segx::softmax_focal_loss{.gamma = 0}(logits, target) == Approx(2 * segx::cross_entropy(logits, target)));
  const batch z = {{{{0.0, 2.0, -40.0}}}};
  const batch t = {{{{1.0, 0.0, 1.0}}}};
  const double bce = (std::log(2.0) + std::log1p(std::exp(2.0)) + 40) / 3;
  CHECK(segx::focal_loss{.gamma = 0, .alpha = 0.5}(z, t) == Approx(bce / 2));
}
