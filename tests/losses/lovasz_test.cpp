#include <catch2/catch.hpp>

#include <segx/losses/lovasz.hpp>

namespace {

using batch = xt::xtensor<double, 4>;

}  // namespace

TEST_CASE("on masks the Lovász losses are the Jaccard loss", "[lovasz]") {
  // Two of three foreground pixels found, one pixel claimed wrongly: IoU 2/4.
  const batch mask = {{{{1.0, 1.0, 1.0, 0.0, 0.0, 0.0}}, {{0.0, 0.0, 0.0, 1.0, 1.0, 1.0}}}};
  const batch sure = {{{{60.0, 60.0, -60.0, 60.0, -60.0, -60.0}}, {{-60.0, -60.0, 60.0, -60.0, 60.0, 60.0}}}};
  CHECK(segx::lovasz_softmax(sure, mask) == Approx(0.5));
  CHECK(segx::lovasz_softmax_loss{.background = false}(sure, mask) == Approx(0.5));
  CHECK(segx::lovasz_hinge(sure, mask) == Approx(61 * 0.5));  // the error of a wrong pixel is 1 + |z|
}

TEST_CASE("a class that the target lacks counts nothing", "[lovasz]") {
  const batch logits = {{{{1.0, 0.0}}, {{0.0, 0.5}}, {{0.2, 0.1}}}};
  const batch target = {{{{1.0, 1.0}}, {{0.0, 0.0}}, {{0.0, 0.0}}}};
  batch gradient = xt::zeros_like(logits);
  const double p0 = std::exp(1.0) / (std::exp(1.0) + 1 + std::exp(0.2));
  const double p1 = 1 / (1 + std::exp(0.5) + std::exp(0.1));
  CHECK(segx::lovasz_softmax(logits, target) == Approx((1 - p0 + 1 - p1) / 2));
  CHECK(segx::lovasz_softmax(logits, batch{xt::zeros_like(target)}, gradient) == 0);
  CHECK((gradient == xt::zeros_like(logits)));
}
