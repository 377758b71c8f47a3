#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include <segx/core/impl.hpp>
#include <segx/data/phantom_canvas.hpp>

namespace segx::detail::chest {

SEGX_IMPL phantom_path spline(const phantom_path& corners, bool closed, int steps) {
  const int n = static_cast<int>(corners.size());
  const auto corner = [&](int i) { return corners[closed ? (i + n) % n : std::clamp(i, 0, n - 1)]; };
  phantom_path path;
  path.reserve(corners.size() * steps + 1);
  for (int i = 0; i < (closed ? n : n - 1); ++i) {
    const phantom_point a = corner(i - 1), b = corner(i), c = corner(i + 1), d = corner(i + 2);
    for (int s = 0; s < steps; ++s) {
      const double t = static_cast<double>(s) / steps;
      path.push_back(b + 0.5 * t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * (b - c) + d - a))));
    }
  }
  if (!closed) { path.push_back(corners.back()); }
  return path;
}

SEGX_IMPL phantom_path ellipse(phantom_point centre, double rx, double ry, double angle) {
  phantom_path path;
  const double c = std::cos(angle), s = std::sin(angle);
  for (int i = 0; i < 40; ++i) {
    const double x = rx * std::cos(i * std::numbers::pi / 20), y = ry * std::sin(i * std::numbers::pi / 20);
    path.push_back(centre + phantom_point{c * x - s * y, s * x + c * y});
  }
  return path;
}

SEGX_IMPL void phantom_canvas::fill(cv::Mat& layer, const phantom_path& outline, double weight) const {
  static constexpr int rows = 4;  // sample rows per pixel; along a row the cover is exact
  phantom_path pixels;
  pixels.reserve(outline.size());
  std::vector<double> crossings;
  double top = size_, bottom = 0;
  for (const auto& p : outline) {
    pixels.push_back(in_pixels(p));
    top = std::min(top, pixels.back().y);
    bottom = std::max(bottom, pixels.back().y);
  }
  const int first = std::max(0, static_cast<int>(std::floor(top * rows)));
  const int last = std::min(size_ * rows, static_cast<int>(std::ceil(std::min(bottom, 1.0 * size_) * rows)));
  for (int r = first; r < last; ++r) {
    const double y = (r + 0.5) / rows;
    crossings.clear();
    for (std::size_t i = 0, j = pixels.size() - 1; i < pixels.size(); j = i++) {
      const auto a = pixels[j], b = pixels[i];
      if ((a.y <= y) != (b.y <= y)) { crossings.push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x)); }
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      add_span(layer.ptr<float>(r / rows), crossings[i], crossings[i + 1], static_cast<float>(weight / rows));
    }
  }
}

SEGX_IMPL void phantom_canvas::stroke(cv::Mat& layer, const phantom_path& path, std::array<double, 2> width,
                                      std::array<double, 2> weight) const {
  const auto n = path.size();
  if (n < 2) { return; }
  phantom_path quad(4);
  for (std::size_t i = 0; i < n; ++i) {
    phantom_point along = path[std::min(i + 1, n - 1)] - path[i == 0 ? 0 : i - 1];
    along *= 1 / std::max(1e-9, std::hypot(along.x, along.y));
    const double t = static_cast<double>(i) / static_cast<double>(n - 1);
    const phantom_point across = phantom_point{-along.y, along.x} * (0.5 * std::lerp(width[0], width[1], t));
    quad[2] = path[i] - across;
    quad[3] = path[i] + across;
    if (i > 0) { fill(layer, quad, std::lerp(weight[0], weight[1], t)); }
    quad[1] = quad[2];
    quad[0] = quad[3];
  }
}

SEGX_IMPL void phantom_canvas::ellipsoid(cv::Mat& layer, const phantom_ellipsoid& e) const {
  const auto m = to_pixels_;
  const double det = m(0, 0) * m(1, 1) - m(0, 1) * m(1, 0);
  const phantom_point c = in_pixels(e.centre);
  const double reach = std::max(e.rx, e.ry) * std::hypot(std::hypot(m(0, 0), m(1, 0)), std::hypot(m(0, 1), m(1, 1)));
  const double cosine = std::cos(e.angle), sine = std::sin(e.angle);
  const auto from = [](double v) { return std::max(0, static_cast<int>(std::floor(v))); };
  const auto to = [&](double v) { return std::min(size_, static_cast<int>(std::ceil(v)) + 1); };
  for (int y = from(c.y - reach); y < to(c.y + reach); ++y) {
    for (int x = from(c.x - reach); x < to(c.x + reach); ++x) {
      const double px = x + 0.5 - c.x, py = y + 0.5 - c.y;
      const double bx = (m(1, 1) * px - m(0, 1) * py) / det, by = (m(0, 0) * py - m(1, 0) * px) / det;
      const double u = (cosine * bx + sine * by) / e.rx, v = (cosine * by - sine * bx) / e.ry;
      const double inside = 1 - u * u - v * v;
      if (inside > 0) { layer.at<float>(y, x) += static_cast<float>(e.weight * std::pow(inside, e.power / 2)); }
    }
  }
}

SEGX_IMPL cv::Mat phantom_canvas::pillow(const cv::Mat& cover, double rim) const {
  cv::Mat inside = cover >= 0.5, depth;
  cv::distanceTransform(inside, depth, cv::DIST_L2, cv::DIST_MASK_PRECISE);
  const float scale = static_cast<float>(1 / (rim * size_));
  depth.forEach<float>([&](float& d, const int*) {
    const float out = std::max(0.0f, 1 - std::max(0.0f, d - 0.5f) * scale);
    d = std::sqrt(1 - out * out);
  });
  return depth.mul(cover);
}

SEGX_IMPL cv::Mat phantom_canvas::clouds(int cells, phantom_random random) const {
  cv::Mat lattice(cells, cells, CV_32FC1), noise;
  for (auto it = lattice.begin<float>(); it != lattice.end<float>(); ++it) { *it = random.normal(); }
  cv::resize(lattice, noise, {size_, size_}, 0, 0, cells > size_ ? cv::INTER_AREA : cv::INTER_CUBIC);
  return noise;
}

SEGX_IMPL phantom_point phantom_canvas::in_pixels(phantom_point p) const {
  const auto& m = to_pixels_;
  return {m(0, 0) * p.x + m(0, 1) * p.y + m(0, 2), m(1, 0) * p.x + m(1, 1) * p.y + m(1, 2)};
}

SEGX_IMPL void phantom_canvas::add_span(float* row, double from, double to, float weight) const {
  from = std::clamp(from, 0.0, 1.0 * size_);
  to = std::clamp(to, 0.0, 1.0 * size_);
  if (to <= from) { return; }
  const int first = static_cast<int>(from), last = static_cast<int>(to);
  if (first == last) {
    row[first] += weight * static_cast<float>(to - from);
    return;
  }
  row[first] += weight * static_cast<float>(first + 1 - from);
  for (int x = first + 1; x < last; ++x) { row[x] += weight; }
  if (last < size_) { row[last] += weight * static_cast<float>(to - last); }
}

}  // namespace segx::detail::chest
