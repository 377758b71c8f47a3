#include <catch2/catch.hpp>
#include <cmath>

#include <segx/losses/boundary.hpp>

namespace {

using batch = xt::xtensor<double, 4>;

}  // namespace

TEST_CASE("signed distances are 0 along the border inside, and grow to both sides", "[boundary]") {
  const std::vector<double> mask = {0, 0, 0, 0, 0, 0,  //
                                    0, 1, 1, 1, 0, 0,  //
                                    0, 1, 1, 1, 0, 0,  //
                                    0, 1, 1, 1, 0, 0};
  std::vector<double> phi(mask.size());
  segx::detail::write_signed_distances(mask.data(), 4, 6, phi.data());
  const double d = std::sqrt(2.0);
  const double e = std::sqrt(5.0);
  const std::vector<double> expected = {d, 1, 1,  1, d, e,  //
                                        1, 0, 0,  0, 1, 2,  //
                                        1, 0, -1, 0, 1, 2,  //
                                        1, 0, -1, 0, 1, 2};
  for (std::size_t i = 0; i < phi.size(); ++i) { CHECK(phi[i] == Approx(expected[i]).margin(1e-15)); }
}

TEST_CASE("the boundary loss falls as the prediction nears the mask, and ignores masks without a border",
          "[boundary]") {
  const batch mask = {{{{0.0, 1.0, 1.0, 1.0, 0.0, 0.0}}}};
  const batch exact = 60 * (2 * mask - 1);
  batch bigger = exact;
  bigger(0, 0, 0, 5) = 60;
  CHECK(segx::boundary(exact, mask) == Approx(-1.0 / 6));
  CHECK(segx::boundary(bigger, mask) == Approx(1.0 / 6));
  CHECK(segx::boundary(exact, batch{xt::zeros_like(mask)}) == 0);
  CHECK(segx::boundary(exact, batch{xt::ones_like(mask)}) == 0);
}

TEST_CASE("without its background a single channel has no class", "[boundary]") {
  const batch x = {{{{1.0, 0.0}}}};
  CHECK_THROWS_WITH(segx::boundary_loss<>{.background = false}(x, x), Catch::Contains("has no class"));
}
