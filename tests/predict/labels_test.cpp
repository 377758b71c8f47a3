#include <segx/predict/labels.hpp>

#include <catch2/catch.hpp>
#include <limits>

using namespace segx;

namespace {

/// Of one row of pixels.
cv::Mat row(std::vector<float> values) { return cv::Mat(values, true).reshape(1, 1); }

std::vector<int> labels(const std::vector<cv::Mat>& planes, label_kind kind, float threshold) {
  cv::Mat found(1, planes[0].cols, CV_8UC1, cv::Scalar(77));
  write_labels(planes, kind, threshold, found);
  return {found.begin<unsigned char>(), found.end<unsigned char>()};
}

}  // namespace

TEST_CASE("a binary label exceeds the threshold") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(labels({row({0.2F, 0.5F, 0.51F, 1, nan})}, label_kind::binary, 0.5F) == std::vector{0, 0, 1, 1, 0});
}

TEST_CASE("overlapping labels are a bit for each class") {
  CHECK(labels({row({0.9F, 0.1F, 0.9F}), row({0.1F, 0.2F, 0.9F}), row({0.9F, 0.1F, 0.9F})}, label_kind::overlapping,
               0.5F) == std::vector{5, 0, 7});
}

TEST_CASE("an exclusive label is the most probable class, whatever the threshold") {
  CHECK(labels({row({0.4F, 0.3F, 0.4F}), row({0.3F, 0.3F, 0.4F}), row({0.3F, 0.4F, 0.2F})}, label_kind::exclusive,
               0.5F) == std::vector{0, 2, 0});
}
