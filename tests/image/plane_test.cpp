#include <segx/image/plane.hpp>

#include <catch2/catch.hpp>
#include <opencv2/core.hpp>

TEST_CASE("planes are copied into a batch and out of it, and nothing else changes") {
  xt::xtensor<float, 4> batch({3, 2, 4, 5}, -1.0F);
  const cv::Mat image = (cv::Mat_<float>(4, 5) << 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
  segx::copy_to_plane(image, batch, 1, 1);
  CHECK(batch(1, 1, 0, 0) == 0);
  CHECK(batch(1, 1, 2, 3) == 13);
  CHECK(cv::norm(segx::copy_of_plane(batch, 1, 1), image, cv::NORM_INF) == 0);
  CHECK(cv::norm(segx::copy_of_plane(batch, 1, 0), cv::Mat(4, 5, CV_32FC1, cv::Scalar(-1)), cv::NORM_INF) == 0);
  CHECK(cv::norm(segx::copy_of_plane(batch, 2, 0), cv::Mat(4, 5, CV_32FC1, cv::Scalar(-1)), cv::NORM_INF) == 0);

  segx::copy_to_plane(cv::Mat(4, 5, CV_8UC1, cv::Scalar(1)), batch, 0);
  CHECK(batch(0, 0, 3, 4) == 1.0F);
}

TEST_CASE("a part of an image is copied row by row") {
  xt::xtensor<float, 4> batch({1, 1, 2, 2}, 0.0F);
  const cv::Mat image = (cv::Mat_<float>(3, 3) << 0, 1, 2, 3, 4, 5, 6, 7, 8);
  segx::copy_to_plane(image(cv::Rect(1, 1, 2, 2)), batch, 0);
  CHECK(batch(0, 0, 0, 0) == 4);
  CHECK(batch(0, 0, 1, 0) == 7);
}

TEST_CASE("a copy out of a batch is its own") {
  xt::xtensor<float, 4> batch({1, 1, 2, 2}, 1.0F);
  cv::Mat copy = segx::copy_of_plane(batch, 0);
  copy.setTo(5);
  CHECK(batch(0, 0, 0, 0) == 1);
}

TEST_CASE("an image becomes the planes of its channels, normalised") {
  xt::xtensor<float, 4> batch({2, 3, 2, 2}, -1.0F);
  cv::Mat image(2, 2, CV_32FC3, cv::Scalar(0.1, 0.2, 0.3));
  image.at<cv::Vec3f>(1, 0) = {0.5F, 0.6F, 0.7F};
  segx::copy_to_image(image, {}, batch, 1);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(batch(1, c, 0, 0) == 0.1F * static_cast<float>(c + 1));
    CHECK(batch(1, c, 1, 0) == image.at<cv::Vec3f>(1, 0)[static_cast<int>(c)]);
    CHECK(batch(0, c, 0, 0) == -1);
  }
  const auto n = segx::normalisation::imagenet();
  segx::copy_to_image(image, n, batch, 0);
  for (int c = 0; c < 3; ++c) { CHECK(batch(0, c, 1, 0) == n(image.at<cv::Vec3f>(1, 0)[c], c)); }
}

TEST_CASE("planes that do not fit or do not exist are errors") {
  xt::xtensor<float, 4> batch({2, 1, 4, 5}, 0.0F);
  CHECK_THROWS_WITH(segx::copy_to_plane(cv::Mat(5, 4, CV_32FC1), batch, 0),
                    "copy_to_plane: an image of 4 x 5 pixels and 1 channels does not fit a plane of 5 x 4");
  CHECK_THROWS_WITH(
      segx::copy_to_image(cv::Mat(4, 5, CV_32FC3), {}, batch, 0),
      "copy_to_image: an image of 5 x 4 pixels of type CV_32FC3 does not fit a batch of 5 x 4 pixels of type "
      "CV_32FC1");
  CHECK_THROWS_AS(segx::copy_to_image(cv::Mat(4, 5, CV_8UC1), {}, batch, 0), segx::error);
  CHECK_THROWS_WITH(segx::copy_of_plane(batch, 2),
                    "copy_of_plane: there is no plane [2, 0] in a batch of 2 images with 1 channels");
}
