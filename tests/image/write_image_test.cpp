#include <segx/image/write_image.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <opencv2/imgcodecs.hpp>

#include <segx/image/read_image.hpp>
#include "temporary_folder.hpp"

namespace {

/// A filled square of side 20 at (10, 10) in 40 x 50 pixels.
cv::Mat square_mask() {
  cv::Mat mask(40, 50, CV_8UC1, cv::Scalar(0));
  mask(cv::Rect(10, 10, 20, 20)).setTo(1);
  return mask;
}

cv::Mat black() { return cv::Mat(40, 50, CV_32FC1, cv::Scalar(0)); }

}  // namespace

TEST_CASE("write_mask: 8 bits, 0 and 255, and read_mask gives it back") {
  const temporary_folder folder;
  segx::write_mask(folder / "m.png", square_mask());
  const cv::Mat stored = cv::imread((folder / "m.png").string(), cv::IMREAD_UNCHANGED);
  CHECK(stored.type() == CV_8UC1);
  CHECK(cv::countNonZero(stored == 255) == 400);
  CHECK(cv::countNonZero(stored == 0) == 40 * 50 - 400);
  CHECK(cv::norm(segx::read_mask(folder / "m.png"), square_mask(), cv::NORM_INF) == 0);
}

TEST_CASE("write_probability: 16 bits, rounded, clamped") {
  const temporary_folder folder;
  const cv::Mat p = (cv::Mat_<float>(1, 6) << 0, 1, 0.5, 0.25001, -0.1, 1.7);
  segx::write_probability(folder / "p.png", p);
  const cv::Mat read = segx::read_gray(folder / "p.png");
  for (int j = 0; j < p.cols; ++j) {
    CHECK(std::abs(read.at<float>(0, j) - std::clamp(p.at<float>(0, j), 0.0F, 1.0F)) <= 0.51F / 65535);
  }
}

TEST_CASE("what cannot be written is an error that names the file") {
  const temporary_folder folder;
  const auto nowhere = folder / "no/such/folder/m.png";
  CHECK(message_of([&] { segx::write_mask(nowhere, square_mask()); }) ==
        "cannot write '" + nowhere.string() + "': No such file or directory");
  const auto file = folder / "m.png";
  CHECK(message_of([&] { segx::write_mask(file, square_mask() * 255); }) ==
        file.string() +
            ": cannot be written, a mask must be CV_8UC1 with the values 0 and 1; write_png writes maps of classes");
  CHECK(message_of([&] { segx::write_probability(file, square_mask()); }) ==
        file.string() + ": cannot be written, probabilities must be CV_32FC1");
  CHECK(message_of([&] { segx::write_probability(file, cv::Mat(2, 2, CV_32FC1, cv::Scalar(std::nan("")))); }) ==
        file.string() + ": cannot be written, a probability is not a number");
  CHECK(message_of([&] { segx::write_png(file, black()); }) ==
        file.string() + ": cannot be written, expected an image of 8 or 16 bits, gray or BGR, that is not empty");
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("overlay: gray outside, tinted inside, a contour one pixel wide between them") {
  const cv::Mat picture = segx::overlay(black() + 0.4, square_mask());
  REQUIRE(picture.type() == CV_8UC3);
  REQUIRE(picture.size() == square_mask().size());
  CHECK(picture.at<cv::Vec3b>(0, 0) == cv::Vec3b(102, 102, 102));
  CHECK(picture.at<cv::Vec3b>(9, 15) == cv::Vec3b(102, 102, 102));
  CHECK(picture.at<cv::Vec3b>(10, 15) == segx::overlay_mask_colour);
  CHECK(picture.at<cv::Vec3b>(11, 15) == picture.at<cv::Vec3b>(20, 20));
  CHECK(picture.at<cv::Vec3b>(20, 20) != cv::Vec3b(102, 102, 102));
  CHECK(picture.at<cv::Vec3b>(20, 20) != segx::overlay_mask_colour);
}

TEST_CASE("overlay: the truth's contour lies on top, in its own colour") {
  cv::Mat truth(40, 50, CV_8UC1, cv::Scalar(0));
  truth(cv::Rect(10, 10, 30, 20)).setTo(1);
  const cv::Mat picture = segx::overlay(black(), square_mask(), truth);
  CHECK(picture.at<cv::Vec3b>(10, 15) == segx::overlay_truth_colour);
  CHECK(picture.at<cv::Vec3b>(15, 39) == segx::overlay_truth_colour);
  CHECK(picture.at<cv::Vec3b>(15, 29) == segx::overlay_mask_colour);
}

TEST_CASE("overlay: each of several masks has a colour, on an image in colour, too") {
  cv::Mat other = square_mask();
  cv::flip(other, other, 1);
  cv::Mat rgb(square_mask().size(), CV_32FC3, cv::Scalar(1, 0, 0));
  const cv::Mat picture = segx::overlay_classes(rgb, {square_mask(), other});
  CHECK(picture.at<cv::Vec3b>(0, 0) == cv::Vec3b(0, 0, 255));  // red, as it was
  CHECK(picture.at<cv::Vec3b>(10, 15) == segx::overlay_class_colours[0]);
  CHECK(picture.at<cv::Vec3b>(10, 35) == segx::overlay_class_colours[1]);
  CHECK(picture.at<cv::Vec3b>(20, 15) != picture.at<cv::Vec3b>(20, 35));
}

TEST_CASE("overlay: sizes and types are checked") {
  const std::string text = "overlay: expected an image CV_32FC1 or CV_32FC3 and masks CV_8UC1 of the same size";
  CHECK_THROWS_WITH(segx::overlay(black(), cv::Mat(4, 4, CV_8UC1, cv::Scalar(0))), text);
  CHECK_THROWS_WITH(segx::overlay(square_mask(), square_mask()), text);
  CHECK_THROWS_WITH(segx::overlay(black(), square_mask(), black()),
                    "overlay: expected a true mask CV_8UC1 of the image's size");
}

TEST_CASE("contact_sheet: rows of cells of the largest size") {
  const cv::Mat small(10, 20, CV_8UC1, cv::Scalar(90));
  const cv::Mat large(30, 24, CV_8UC3, cv::Scalar(1, 2, 3));
  const cv::Mat sheet = segx::contact_sheet({small, large, small}, 2);
  CHECK(sheet.size() == cv::Size(2 * 24 + 4, 2 * 30 + 4));
  CHECK(sheet.at<cv::Vec3b>(10, 2) == cv::Vec3b(90, 90, 90));
  CHECK(sheet.at<cv::Vec3b>(9, 2) == cv::Vec3b(0, 0, 0));
  CHECK(sheet.at<cv::Vec3b>(0, 28) == cv::Vec3b(1, 2, 3));
  CHECK(segx::contact_sheet({small}, 5).size() == small.size());
  CHECK_THROWS_WITH(segx::contact_sheet({}, 2), "contact_sheet: expected at least one picture and one column");
  CHECK_THROWS_WITH(segx::contact_sheet({cv::Mat()}, 2),
                    "contact_sheet: expected pictures of type CV_8UC1 or CV_8UC3 that are not empty");
}
