#include <segx/image/resample.hpp>

#include <catch2/catch.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include <segx/image/resize_image.hpp>

namespace {

cv::Mat noise(int height, int width) {
  cv::Mat image(height, width, CV_32FC1);
  cv::theRNG().state = 11;
  cv::randu(image, 0, 1);
  return image;
}

cv::Mat by_opencv(const cv::Mat& image, int height, int width, int interpolation) {
  cv::Mat resized;
  cv::resize(image, resized, cv::Size(width, height), 0, 0, interpolation);
  return resized;
}

double largest_difference(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF); }

std::vector<float> resized(const std::vector<float>& row, int width) {
  std::vector<float> y(width);
  segx::resize(row, 1, static_cast<int>(row.size()), y, 1, width);
  return y;
}

}  // namespace

TEST_CASE("resize by hand") {
  CHECK(resized({1, 3, 5, 7}, 2) == std::vector<float>{2, 6});
  CHECK(resized({0, 3, 6}, 2)[0] == Approx((0 + 3 * 0.5) / 1.5));  // one pixel and a half
  CHECK(resized({0, 4}, 4) == std::vector<float>{0, 1, 3, 4});     // the edge continued
  CHECK(resized({5}, 3) == std::vector<float>{5, 5, 5});
}

TEST_CASE("where both axes shrink, resize is OpenCV's INTER_AREA") {
  const auto [in, out] = GENERATE(table<cv::Size, cv::Size>(
      {{{64, 48}, {32, 12}}, {{101, 77}, {40, 33}}, {{130, 90}, {128, 64}}, {{256, 31}, {1, 1}}}));
  const cv::Mat x = noise(in.height, in.width);
  const cv::Mat y = segx::resize_image(x, out.height, out.width);
  REQUIRE(y.size() == out);
  CHECK(largest_difference(y, by_opencv(x, out.height, out.width, cv::INTER_AREA)) < 1e-5);
}

TEST_CASE("where both axes grow, resize is OpenCV's INTER_LINEAR") {
  const auto [in, out] = GENERATE(
      table<cv::Size, cv::Size>({{{32, 24}, {64, 48}}, {{33, 40}, {77, 101}}, {{1, 1}, {5, 7}}, {{2, 3}, {90, 4}}}));
  const cv::Mat x = noise(in.height, in.width);
  CHECK(largest_difference(segx::resize_image(x, out.height, out.width),
                           by_opencv(x, out.height, out.width, cv::INTER_LINEAR)) < 1e-5);
}

TEST_CASE("the same size copies, bit for bit, and a part of an image is read as what it is") {
  const cv::Mat x = noise(37, 53);
  CHECK(largest_difference(segx::resize_image(x, 37, 53), x) == 0);
  const cv::Mat part = x(cv::Rect(5, 6, 20, 10));
  CHECK(largest_difference(segx::resize_image(part, 4, 7), segx::resize_image(part.clone(), 4, 7)) == 0);
}

TEST_CASE("one axis may shrink while the other grows") {
  const cv::Mat x = noise(60, 20);
  const cv::Mat down = segx::resize_image(x, 25, 20);
  CHECK(largest_difference(segx::resize_image(x, 25, 47), segx::resize_image(down, 25, 47)) < 1e-6);
}

TEST_CASE("resize keeps constants and, where it shrinks, the mean") {
  const cv::Mat constant(41, 67, CV_32FC1, cv::Scalar(0.7));
  CHECK(largest_difference(segx::resize_image(constant, 100, 13), cv::Mat(100, 13, CV_32FC1, cv::Scalar(0.7))) < 1e-6);
  const cv::Mat x = noise(90, 70);
  CHECK(cv::mean(segx::resize_image(x, 32, 32))[0] == Approx(cv::mean(x)[0]).epsilon(1e-5));
}

TEST_CASE("a mask never gets a new value") {
  cv::Mat mask(50, 60, CV_8UC1);
  cv::theRNG().state = 3;
  cv::randu(mask, 0, 2);
  mask *= 7;
  const auto [height, width] = GENERATE(table<int, int>({{256, 256}, {13, 17}, {50, 60}, {200, 9}}));
  const cv::Mat y = segx::resize_mask(mask, height, width);
  CHECK(y.size() == cv::Size(width, height));
  CHECK(cv::countNonZero(y == 0) + cv::countNonZero(y == 7) == height * width);
}

TEST_CASE("a mask is resized by exact nearest neighbour: the pixel under the centre") {
  const int in = 7;
  const int out = GENERATE(1, 2, 3, 4, 5, 6, 7, 10, 21);
  cv::Mat mask(1, in, CV_8UC1);
  for (int j = 0; j < in; ++j) { mask.at<unsigned char>(0, j) = static_cast<unsigned char>(j); }
  const cv::Mat y = segx::resize_mask(mask, 1, out);
  for (int j = 0; j < out; ++j) { CHECK(int{y.at<unsigned char>(0, j)} == (2 * j + 1) * in / (2 * out)); }
}

TEST_CASE("a colour image is resized channel by channel") {
  const std::vector<cv::Mat> channels{noise(9, 7), noise(9, 7) * 0.5, noise(9, 7) * 0.25};
  cv::Mat colour;
  cv::merge(channels, colour);
  std::vector<cv::Mat> resized;
  cv::split(segx::resize_image(colour, 5, 11), resized);
  REQUIRE(resized.size() == 3);
  for (int c = 0; c < 3; ++c) { CHECK(largest_difference(resized[c], segx::resize_image(channels[c], 5, 11)) == 0); }
}

TEST_CASE("resizing what is no image, or to nothing, is an error") {
  CHECK_THROWS_WITH(segx::resize_image(cv::Mat(4, 4, CV_8UC1), 2, 2),
                    "resize_image: expected an image of type CV_32FC1 or CV_32FC3 that is not empty");
  CHECK_THROWS_WITH(segx::resize_mask(cv::Mat(), 2, 2),
                    "resize_mask: expected an image of type CV_8UC1 that is not empty");
  CHECK_THROWS_WITH(segx::resize_image(noise(4, 4), 0, 2),
                    "resize_image: cannot resize to 2 x 0 pixels, both must be positive");
}
