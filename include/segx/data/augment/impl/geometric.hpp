#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include <segx/core/impl.hpp>
#include <segx/data/augment/draw.hpp>
#include <segx/data/augment/geometric.hpp>

namespace segx {

namespace detail {

SEGX_IMPL cv::Matx33d about_middle(const cv::Matx33d& m, cv::Size size) {
  const double x = 0.5 * (size.width - 1), y = 0.5 * (size.height - 1);
  return cv::Matx33d(1, 0, x, 0, 1, y, 0, 0, 1) * m * cv::Matx33d(1, 0, -x, 0, 1, -y, 0, 0, 1);
}

SEGX_IMPL cv::Matx33d rotation(double degrees) {
  const double angle = degrees * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  return {c, s, 0, -s, c, 0, 0, 0, 1};
}

}  // namespace detail

SEGX_IMPL lazy_warp horizontal_flip::operator()(lazy_warp x, random_generator& random) const {
  if (random.uniform() < probability) { x.move({-1, 0, x.size().width - 1.0, 0, 1, 0, 0, 0, 1}, border::reflect); }
  return x;
}

SEGX_IMPL lazy_warp vertical_flip::operator()(lazy_warp x, random_generator& random) const {
  if (random.uniform() < probability) { x.move({1, 0, 0, 0, -1, x.size().height - 1.0, 0, 0, 1}, border::reflect); }
  return x;
}

SEGX_IMPL lazy_warp rotate::operator()(lazy_warp x, random_generator& random) const {
  const cv::Matx33d turn = detail::rotation(draw_between(random, -degrees, degrees));
  x.move(detail::about_middle(turn, x.size()), beyond);
  return x;
}

SEGX_IMPL lazy_warp scale::operator()(lazy_warp x, random_generator& random) const {
  const double factor = draw_factor(random, low, high);
  x.move(detail::about_middle({factor, 0, 0, 0, factor, 0, 0, 0, 1}, x.size()), beyond);
  return x;
}

SEGX_IMPL lazy_warp shift::operator()(lazy_warp x, random_generator& random) const {
  const double to_right = draw_between(random, -part, part) * x.size().width;
  const double down = draw_between(random, -part, part) * x.size().height;
  x.move(detail::translation(to_right, down), beyond);
  return x;
}

SEGX_IMPL lazy_warp affine::operator()(lazy_warp x, random_generator& random) const {
  const double slide = std::tan(draw_between(random, -shear, shear) * std::numbers::pi / 180);
  x.move(detail::about_middle({1, slide, 0, 0, 1, 0, 0, 0, 1}, x.size()), beyond);
  return shift{part, beyond}(scale{low, high, beyond}(rotate{degrees, beyond}(std::move(x), random), random), random);
}

SEGX_IMPL lazy_warp perspective::operator()(lazy_warp x, random_generator& random) const {
  const auto right = static_cast<float>(x.size().width - 1), bottom = static_cast<float>(x.size().height - 1);
  const std::array<cv::Point2f, 4> from{{{0, 0}, {right, 0}, {right, bottom}, {0, bottom}}};
  std::array<cv::Point2f, 4> to = from;
  for (cv::Point2f& corner : to) {
    corner.x += static_cast<float>(draw_between(random, -part, part)) * right;
    corner.y += static_cast<float>(draw_between(random, -part, part)) * bottom;
  }
  if (right > 0 && bottom > 0) { x.move(cv::Matx33d(cv::getPerspectiveTransform(from.data(), to.data())), beyond); }
  return x;
}

SEGX_IMPL lazy_warp elastic::operator()(lazy_warp x, random_generator& random) const {
  const cv::Size size = x.size();
  const auto deviation = static_cast<float>(strength * std::min(size.width, size.height));
  cv::Mat nodes(cells, cells, CV_32FC2), field;
  for (int i = 0; i < cells; ++i) {
    for (int j = 0; j < cells; ++j) {
      auto& node = nodes.at<cv::Vec2f>(i, j);
      node[0] = deviation * draw_normal(random);
      node[1] = deviation * draw_normal(random);
    }
  }
  cv::resize(nodes, field, size, 0, 0, cv::INTER_CUBIC);
  x.displace(field, beyond);
  return x;
}

SEGX_IMPL lazy_warp pad_if_smaller::operator()(lazy_warp x, random_generator&) const {
  const cv::Size from = x.size(), to(std::max(from.width, width), std::max(from.height, height));
  if (to == from) { return x; }
  const int left = (to.width - from.width) / 2, top = (to.height - from.height) / 2;
  x.move(detail::translation(left, top), to, beyond);
  return x;
}

namespace detail {

SEGX_IMPL cv::Size window_size(int height, int width, cv::Size picture) {
  return {std::min(width, picture.width), std::min(height, picture.height)};
}

inline cv::Point draw_window(cv::Size window, cv::Size picture, random_generator& random) {
  const int left = draw_up_to(random, picture.width - window.width);
  return {left, draw_up_to(random, picture.height - window.height)};
}

/// A pixel whose label is not 0, each equally likely; there are `count` of them, at least one.
inline cv::Point draw_foreground(const cv::Mat& mask, int count, random_generator& random) {
  int left = draw_up_to(random, count - 1);
  for (int i = 0;; ++i) {
    const int here = cv::countNonZero(mask.row(i));
    if (left >= here) {
      left -= here;
      continue;
    }
    for (int j = 0;; ++j) {
      if (mask.at<std::uint8_t>(i, j) != 0 && left-- == 0) { return {j, i}; }
    }
  }
}

SEGX_IMPL cv::Point draw_foreground_window(cv::Size window, const cv::Mat& mask, double probability,
                                           random_generator& random) {
  const int count = random.uniform() < probability ? cv::countNonZero(mask) : 0;
  if (count == 0) { return draw_window(window, mask.size(), random); }
  const cv::Point inside = draw_foreground(mask, count, random);
  const auto begin = [&](int pixel, int extent, int whole) {
    const int first = std::max(0, pixel - extent + 1), last = std::min(pixel, whole - extent);
    return first + draw_up_to(random, last - first);
  };
  const int left = begin(inside.x, window.width, mask.cols);
  return {left, begin(inside.y, window.height, mask.rows)};
}

inline lazy_warp window_of(lazy_warp x, cv::Point begin, cv::Size size) {
  x.move(translation(-begin.x, -begin.y), size, border::reflect);
  return x;
}

}  // namespace detail

SEGX_IMPL lazy_warp random_crop::operator()(lazy_warp x, random_generator& random) const {
  const cv::Size to = detail::window_size(height, width, x.size());
  const cv::Point begin = detail::draw_window(to, x.size(), random);
  return detail::window_of(std::move(x), begin, to);
}

SEGX_IMPL lazy_warp foreground_crop::operator()(lazy_warp x, random_generator& random) const {
  const cv::Size to = detail::window_size(height, width, x.size());
  const cv::Point begin = detail::draw_foreground_window(to, x.mask(), probability, random);
  return detail::window_of(std::move(x), begin, to);
}

}  // namespace segx
