#include <array>
#include <catch2/catch.hpp>

#include <segx/metrics/summary.hpp>

TEST_CASE("a summary tells means over images from scores over pixels", "[summary]") {
  const std::array<segx::confusion, 3> images{
      {{60, 20, 20, 0}, {1, 0, 1, 98}, {0, 0, 0, 100}}};  // a large lung, a small one half found, none and none claimed
  const segx::segmentation_summary s = segx::summarize(images);
  CHECK(s.images == 3);
  CHECK(s.iou_micro == Approx(61.0 / 102));
  CHECK(s.iou_mean == Approx((0.6 + 0.5 + 1) / 3));
  CHECK(s.dice_mean == Approx((0.75 + 2.0 / 3 + 1) / 3));
  CHECK(s.f1_micro == Approx(122.0 / 163));
  CHECK(s.precision_micro == Approx(61.0 / 81));
  CHECK(s.recall_micro == Approx(61.0 / 82));
  CHECK(s.specificity_micro == Approx(198.0 / 218));
  CHECK(s.accuracy == Approx(259.0 / 300));
}

TEST_CASE("without images there is no summary", "[summary]") { CHECK_THROWS_AS(segx::summarize({}), segx::error); }

TEST_CASE("classes are summarized apart", "[summary]") {
  const std::vector<std::vector<segx::confusion>> images = {{{60, 20, 20, 0}, {0, 0, 0, 100}},
                                                            {{1, 0, 1, 98}, {3, 1, 0, 96}}};
  const std::vector<segx::segmentation_summary> classes = segx::summarize_classes(images);
  REQUIRE(classes.size() == 2);
  CHECK(classes[0].iou_mean == Approx((0.6 + 0.5) / 2));
  CHECK(classes[1].iou_mean == Approx((1 + 0.75) / 2));
  CHECK(classes[1].iou_micro == Approx(0.75));
  CHECK(classes[1].images == 2);
}

TEST_CASE("images of unequal classes are not summarized", "[summary]") {
  const std::vector<std::vector<segx::confusion>> images = {{{}, {}}, {{}}};
  CHECK_THROWS_WITH(segx::summarize_classes(images), Catch::Contains("1 classes, but the first has 2"));
}
