#pragma once

#include <algorithm>
#include <cstddef>
#include <opencv2/core.hpp>
#include <vector>

#include <segx/predict/tile_axis.hpp>

namespace segx {

/// Blends overlapping tiles to an image of several planes, in memory for one row of tiles, however high the image is:
///
///   for each row r of tiles:
///     for each column c: rows.add(r, c, tile);      // tile [P,H,W] of floats
///     rows.finish(r, take);                         // calls take(rows of the image, planes), a band that is done
///
/// Bands follow one another from the image's top to its bottom. Their planes, P times CV_32FC1, are valid during the
/// call.
class tile_rows {
 public:
  tile_rows(const tile_axis& vertical, const tile_axis& horizontal, int planes)
      : vertical_{vertical}, horizontal_{horizontal}, width_{std::max(horizontal.length(), horizontal.tile())} {
    for (int p = 0; p < planes; ++p) { sums_.push_back(cv::Mat::zeros(vertical.tile(), width_, CV_32FC1)); }
  }

  void add(int r, int c, const float* tile) {
    const std::vector<float> down = vertical_.shares(r);
    const std::vector<float> across = horizontal_.shares(c);
    const int left = horizontal_.first(c) - horizontal_.first(0);
    for (cv::Mat& sum : sums_) {
      for (int i = 0; i < vertical_.tile(); ++i, tile += horizontal_.tile()) {
        float* to = sum.ptr<float>(i) + left;
        for (int j = 0; j < horizontal_.tile(); ++j) { to[j] += down[i] * across[j] * tile[j]; }
      }
    }
  }

  template <class Take>
  void finish(int r, Take&& take) {
    const int top = vertical_.first(r);
    const bool is_last = r + 1 == vertical_.count();
    const int next = is_last ? top + vertical_.tile() : vertical_.first(r + 1);
    const cv::Range rows{std::max(0, -top), std::min(next, vertical_.length()) - top};
    const int left = -horizontal_.first(0);  // of an image that is narrower than a tile
    const cv::Range columns{left, left + horizontal_.length()};
    std::vector<cv::Mat> band;
    for (const cv::Mat& sum : sums_) { band.push_back(sum(rows, columns)); }
    take(cv::Range{rows.start + top, rows.end + top}, band);

    for (cv::Mat& sum : sums_) {  // the rows that are left move up
      float* begin = sum.ptr<float>();
      float* end = begin + sum.total();
      float* left_over = begin + static_cast<std::ptrdiff_t>(next - top) * width_;
      std::fill(std::copy(left_over, end, begin), end, 0.0F);
    }
  }

  /// Bytes that such an object takes.
  static std::size_t bytes(const tile_axis& vertical, const tile_axis& horizontal, int planes) {
    const auto width = static_cast<std::size_t>(std::max(horizontal.length(), horizontal.tile()));
    return sizeof(float) * static_cast<std::size_t>(planes) * static_cast<std::size_t>(vertical.tile()) * width;
  }

 private:
  tile_axis vertical_;
  tile_axis horizontal_;
  int width_;
  std::vector<cv::Mat> sums_;  // [tile height, width] each; row 0 is the first row of the current tiles
};

}  // namespace segx
