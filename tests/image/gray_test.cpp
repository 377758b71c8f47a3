#include <segx/image/gray.hpp>

#include <catch2/catch.hpp>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

using segx::gray_of;

static_assert(gray_of<std::uint8_t>(255, 255, 255) == 255);
static_assert(gray_of<std::uint16_t>(65535, 65535, 65535) == 65535);
static_assert(gray_of<std::uint8_t>(255, 0, 0) == 76);

TEMPLATE_TEST_CASE("gray_of is OpenCV's gray, bit for bit", "", std::uint8_t, std::uint16_t) {
  cv::Mat bgr(97, 103, CV_MAKETYPE(cv::DataType<TestType>::depth, 3));
  cv::theRNG().state = 7;
  cv::randu(bgr, 0, 1 << (8 * sizeof(TestType)));
  cv::Mat gray;
  cv::cvtColor(bgr, gray, cv::COLOR_BGR2GRAY);
  int different = 0;
  for (int i = 0; i < bgr.rows; ++i) {
    for (int j = 0; j < bgr.cols; ++j) {
      const auto pixel = bgr.at<cv::Vec<TestType, 3>>(i, j);
      different += gray.at<TestType>(i, j) != gray_of<TestType>(pixel[2], pixel[1], pixel[0]);
    }
  }
  CHECK(different == 0);
}

TEST_CASE("equal channels keep their value") {
  int different = 0;
  for (int v = 0; v < 65536; ++v) {
    const auto value = static_cast<std::uint16_t>(v);
    different += gray_of(value, value, value) != value;
  }
  CHECK(different == 0);
}
