#include <segx/predict/flips.hpp>

#include <catch2/catch.hpp>

#include "predict/small_networks.hpp"

using namespace segx;
using small_networks::difference;

TEST_CASE("flips are mirror images and undo themselves") {
  const cv::Mat image = (cv::Mat_<float>(2, 3) << 1, 2, 3, 4, 5, 6);
  const cv::Mat expected[] = {image, (cv::Mat_<float>(2, 3) << 3, 2, 1, 6, 5, 4),
                              (cv::Mat_<float>(2, 3) << 4, 5, 6, 1, 2, 3), (cv::Mat_<float>(2, 3) << 6, 5, 4, 3, 2, 1)};
  for (int k = 0; k < 4; ++k) {
    CHECK(difference(flipped(image, k), expected[k]) == 0);
    CHECK(difference(flipped(flipped(image, k), k), image) == 0);
  }
  CHECK(count_of(flips::none) == 1);
  CHECK(count_of(flips::horizontal) == 2);
  CHECK(count_of(flips::both) == 4);
}
