#include <segx/predict/tile_rows.hpp>

#include <catch2/catch.hpp>
#include <vector>

#include "predict/small_networks.hpp"

using namespace segx;
using small_networks::difference;
using small_networks::noise;

namespace {

/// Takes an image apart and together again; what lies beyond its borders is garbage.
cv::Mat through_tiles(const cv::Mat& image, cv::Size tile, double overlap, int planes) {
  const tile_axis vertical{image.rows, tile.height, overlap};
  const tile_axis horizontal{image.cols, tile.width, overlap};
  tile_rows rows{vertical, horizontal, planes};
  cv::Mat result(image.size(), CV_32FC1, cv::Scalar(-1));
  int next = 0;
  for (int r = 0; r < vertical.count(); ++r) {
    for (int c = 0; c < horizontal.count(); ++c) {
      std::vector<float> values;
      for (int p = 0; p < planes; ++p) {
        for (int i = vertical.first(r); i < vertical.first(r) + tile.height; ++i) {
          for (int j = horizontal.first(c); j < horizontal.first(c) + tile.width; ++j) {
            const bool inside = i >= 0 && j >= 0 && i < image.rows && j < image.cols;
            values.push_back(inside ? image.at<float>(i, j) + static_cast<float>(p) : 1e9F);
          }
        }
      }
      rows.add(r, c, values.data());
    }
    rows.finish(r, [&](cv::Range band, const std::vector<cv::Mat>& found) {
      CHECK(band.start == next);
      CHECK(band.size() <= tile.height);
      next = band.end;
      REQUIRE(found.size() == static_cast<std::size_t>(planes));
      for (int p = 1; p < planes; ++p) {
        CHECK(difference(found[p] - found[0], cv::Mat::ones(found[0].size(), CV_32F) * p) < 1e-5);
      }
      found[0].copyTo(result.rowRange(band));
    });
  }
  CHECK(next == image.rows);
  return result;
}

}  // namespace

TEST_CASE("an image that went through tiles is the same") {
  for (const cv::Size size : {cv::Size{64, 64}, {100, 37}, {37, 100}, {5, 3}, {200, 10}, {1, 33}}) {
    for (const double overlap : {0.0, 0.3, 0.5, 0.9}) {
      INFO(size << ", overlap " << overlap);
      const cv::Mat image = noise(size.height, size.width);
      CHECK(difference(through_tiles(image, {24, 16}, overlap, 2), image) < 1e-5);
    }
  }
}

TEST_CASE("rows of tiles take the memory that they say, whatever the height") {
  const auto bytes = [](int height, int width) { return tile_rows::bytes({height, 16, 0.5}, {width, 24, 0.5}, 3); };
  CHECK(bytes(100, 200) == sizeof(float) * 3 * 16 * 200);
  CHECK(bytes(100'000, 200) == bytes(1, 200));
  CHECK(bytes(100, 5) == sizeof(float) * 3 * 16 * 24);
}
