#include <segx/train/evaluate.hpp>

#include <catch2/catch.hpp>
#include <vector>

namespace {

using batch = xt::xtensor<float, 4>;

/// [N,K,1,W] with these values.
batch of(std::array<std::size_t, 4> shape, const std::vector<float>& values) {
  batch b = batch::from_shape(shape);
  std::copy(values.begin(), values.end(), b.begin());
  return b;
}

}  // namespace

TEST_CASE("overlapping classes are counted each by itself, above the threshold") {
  const batch logits = of({2, 2, 1, 3}, {1, 1, -1, /**/ -1, 2, 2, /**/ 3, -3, -3, /**/ -1, -1, -1});
  const batch masks = of({2, 2, 1, 3}, {1, 0, 0, /**/ 0, 1, 1, /**/ 1, 1, 0, /**/ 0, 0, 0});
  const auto counts = segx::count_classes(logits, masks, segx::label_kind::overlapping);
  REQUIRE(counts.size() == 2);
  REQUIRE(counts[0].size() == 2);
  CHECK(counts[0][0] == segx::confusion{1, 1, 0, 1});
  CHECK(counts[0][1] == segx::confusion{2, 0, 0, 1});
  CHECK(counts[1][0] == segx::confusion{1, 0, 1, 1});
  CHECK(counts[1][1] == segx::confusion{0, 0, 0, 3});
  const auto strict = segx::count_classes(logits, masks, segx::label_kind::overlapping, 0.8F);  // logits above 1.39
  CHECK(strict[0][0] == segx::confusion{0, 0, 1, 2});
}

TEST_CASE("of exclusive classes the largest logit is the prediction, and the background is not scored") {
  // Pixels: background right, class 1 right, class 2 taken for 1, and a tie, which the first wins.
  const batch logits = of({1, 3, 1, 4}, {5, -9, -9, 2, /**/ 1, -8, -1, 2, /**/ 2, -9, -2, 2});
  const batch masks = of({1, 3, 1, 4}, {1, 0, 0, 0, /**/ 0, 1, 0, 0, /**/ 0, 0, 1, 1});
  const auto counts = segx::count_classes(logits, masks, segx::label_kind::exclusive);
  REQUIRE(counts[0].size() == 2);
  CHECK(counts[0][0] == segx::confusion{1, 1, 0, 2});
  CHECK(counts[0][1] == segx::confusion{0, 0, 2, 2});
}

TEST_CASE("the summary of several classes is the mean of theirs") {
  const segx::segmentation_summary a{.images = 2, .iou_micro = 0.5, .iou_mean = 0.4, .dice_mean = 0.6, .accuracy = 1};
  const segx::segmentation_summary b{.images = 2, .iou_micro = 0.7, .iou_mean = 0.8, .dice_mean = 1, .accuracy = 0.5};
  const segx::segmentation_summary both = segx::detail::mean_of({a, b});
  CHECK(both.images == 2);
  CHECK(both.iou_micro == Approx(0.6));
  CHECK(both.iou_mean == Approx(0.6));
  CHECK(both.dice_mean == Approx(0.8));
  CHECK(both.accuracy == Approx(0.75));
  CHECK(segx::detail::mean_of({a}).iou_mean == a.iou_mean);
}
