#include <catch2/catch.hpp>

#include <segx/metrics/per_image.hpp>

TEST_CASE("each image of a batch is counted by itself, over its channels", "[per_image]") {
  const xt::xtensor<float, 4> logits = {{{{1.0F, -1.0F}}, {{1.0F, 1.0F}}}, {{{-1.0F, -1.0F}}, {{-1.0F, 1.5F}}}};
  const xt::xtensor<float, 4> target = {{{{1.0F, 0.0F}}, {{0.0F, 1.0F}}}, {{{0.0F, 0.0F}}, {{1.0F, 1.0F}}}};
  const auto counts = segx::count_per_image_from_logits(logits, target);
  REQUIRE(counts.size() == 2);
  CHECK(counts[0] == segx::confusion{2, 1, 0, 1});
  CHECK(counts[1] == segx::confusion{1, 0, 1, 2});
  CHECK(segx::count_per_image_from_logits(logits, target, 0.8F)[0] == segx::confusion{0, 0, 2, 2});
}

TEST_CASE("an empty batch has no counts, unequal shapes are refused", "[per_image]") {
  const xt::xtensor<float, 4> none = xt::xtensor<float, 4>::from_shape({0, 1, 2, 2});
  CHECK(segx::count_per_image_from_logits(none, none).empty());
  const xt::xtensor<float, 4> flat = xt::xtensor<float, 4>::from_shape({1, 1, 2, 3});
  const xt::xtensor<float, 4> tall = xt::xtensor<float, 4>::from_shape({1, 1, 3, 2});
  CHECK_THROWS_WITH(segx::count_per_image_from_logits(flat, tall),
                    Catch::Contains("[1,1,2,3]") && Catch::Contains("[1,1,3,2]"));
}
