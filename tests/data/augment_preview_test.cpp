#include <segx/data/augment/preview.hpp>

#include <catch2/catch.hpp>

#include <segx/data/augment/geometric.hpp>

using namespace segx;

namespace {

const image_and_mask square = [] {
  cv::Mat mask(40, 40, CV_8UC1, cv::Scalar(0));
  mask(cv::Rect(5, 10, 12, 12)) = 3;  // two overlapping classes, or the last of four
  return image_and_mask{cv::Mat(40, 40, CV_32FC1, cv::Scalar(0.5)), mask};
}();

}  // namespace

TEST_CASE("outlines follow each class in its colour, on gray and on colour") {
  const cv::Mat picture = outlined(square, label_kind::exclusive, 4);
  CHECK(picture.at<cv::Vec3b>(10, 8) == overlay_class_colours[3]);
  CHECK(picture.at<cv::Vec3b>(15, 12) == cv::Vec3b(128, 128, 128));
  CHECK(picture.at<cv::Vec3b>(0, 0) == cv::Vec3b(128, 128, 128));  // the background has no outline
  CHECK(outlined(square, label_kind::overlapping, 2).at<cv::Vec3b>(10, 8) == overlay_class_colours[1]);

  const image_and_mask red{cv::Mat(40, 40, CV_32FC3, cv::Scalar(1, 0, 0)), square.mask};
  CHECK(outlined(red, label_kind::exclusive, 4).at<cv::Vec3b>(0, 0) == cv::Vec3b(0, 0, 255));
}

TEST_CASE("a sheet has a row for each sample: as it is, then its versions") {
  const cv::Mat sheet = augmentation_sheet({square, square}, label_kind::overlapping, 2, horizontal_flip{1}, 2, 5);
  CHECK(sheet.size() == cv::Size(3 * 44 - 4, 2 * 44 - 4));
  const cv::Mat plain = outlined(square, label_kind::overlapping, 2);
  cv::Mat mirrored;
  cv::flip(plain, mirrored, 1);
  CHECK(cv::norm(sheet(cv::Rect(0, 44, 40, 40)), plain, cv::NORM_INF) == 0);
  CHECK(cv::norm(sheet(cv::Rect(88, 0, 40, 40)), mirrored, cv::NORM_INF) == 0);
  const auto drawn = [](std::uint64_t seed) {
    return augmentation_sheet({square}, label_kind::overlapping, 2, shift{0.3}, 3, seed);
  };
  CHECK(cv::norm(drawn(1), drawn(1), cv::NORM_INF) == 0);
  CHECK(cv::norm(drawn(1), drawn(2), cv::NORM_INF) != 0);
}
