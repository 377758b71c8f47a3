#include <catch2/catch.hpp>

#include <segx/metrics/classes.hpp>
#include <segx/metrics/summary.hpp>

using segx::background;
using segx::confusion;

namespace {

using map = xt::xtensor<std::uint8_t, 2>;

const map predicted = {{0, 1, 1}, {2, 2, 0}};
const map truth = {{0, 1, 2}, {2, 2, 1}};

}  // namespace

TEST_CASE("each class of maps of indices is counted", "[classes]") {
  const std::vector<confusion> counts = segx::count_classes(predicted, truth, 4);
  const std::vector<confusion> expected = {{1, 1, 0, 4}, {1, 1, 1, 3}, {2, 0, 1, 3}, {0, 0, 0, 6}};
  CHECK(counts == expected);
  CHECK_THROWS_WITH(segx::count_classes(predicted, truth, 2), Catch::Contains("class 2, but there are 2 classes"));
}

TEST_CASE("bits and planes are counted as classes that may overlap", "[classes]") {
  const map p = {{3, 1, 0}};
  const map t = {{2, 1, 2}};
  const std::vector<confusion> expected = {{1, 1, 0, 1}, {1, 0, 1, 1}};
  CHECK(segx::count_overlapping(p, t, 2) == expected);
  CHECK_THROWS_WITH(segx::count_overlapping(p, t, 9), Catch::Contains("9 classes do not fit"));

  const xt::xtensor<std::uint8_t, 4> planes_p = {{{{0, 0, 0}}, {{0, 0, 0}}}, {{{1, 1, 0}}, {{1, 0, 0}}}};
  const xt::xtensor<std::uint8_t, 4> planes_t = {{{{1, 1, 1}}, {{1, 1, 1}}}, {{{0, 1, 0}}, {{1, 0, 1}}}};
  CHECK(segx::count_planes(planes_p, planes_t, 1) == expected);
  CHECK_THROWS_WITH(segx::count_planes(planes_p, planes_t, 2), Catch::Contains("image 2, but the batch has 2"));
  const xt::xtensor<std::uint8_t, 4> one_plane = {{{{1, 1, 0}}}};
  CHECK_THROWS_WITH(segx::count_planes(planes_p, one_plane, 0),
                    Catch::Contains("2 images of 2 classes, but the truth has 1 of 1"));
}

TEST_CASE("a mean over classes has the background or not", "[classes]") {
  const std::vector<confusion> counts = {{8, 0, 0, 2}, {1, 1, 0, 8}, {0, 0, 2, 8}};
  CHECK(segx::macro_mean<confusion>(counts, &confusion::iou, background::counted) == Approx(1.5 / 3));
  CHECK(segx::macro_mean<confusion>(counts, &confusion::iou, background::left_out) == Approx(0.25));
  const std::vector<segx::segmentation_summary> classes = segx::summarize_classes(std::vector{counts, counts});
  CHECK(segx::macro_mean<segx::segmentation_summary>(classes, &segx::segmentation_summary::iou_mean,
                                                     background::left_out) == Approx(0.25));
  const std::vector<confusion> alone(1);
  CHECK_THROWS_AS(segx::macro_mean<confusion>(alone, &confusion::iou, background::left_out), segx::error);
}
