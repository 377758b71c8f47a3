#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/data/augment/lazy_warp.hpp>

namespace segx {

namespace detail {

/// Throws `error` where OpenCV would not warp.
inline void expect_warpable(cv::Size size) {
  constexpr int most = std::numeric_limits<std::int16_t>::max() - 1;
  if (size.width > most || size.height > most) {
    fail({"augmentation: pictures of ", size.width, " x ", size.height,
          " pixels cannot be turned or warped, whose sides may have ", most,
          " at most; take a smaller size, or changes of values and flips alone"});
  }
}

}  // namespace detail

SEGX_IMPL_COLD void lazy_warp::move(const cv::Matx33d& m, cv::Size to, border beyond) {
  if (beyond != beyond_) { warp(); }
  matrix_ = m * matrix_;
  size_ = to;
  beyond_ = beyond;
}

SEGX_IMPL void lazy_warp::displace(cv::Mat field, border beyond) {
  if (beyond != beyond_ || !is_affine()) { warp(); }
  for (const cv::Size size : {field.size(), pixels_.image.size()}) { detail::expect_warpable(size); }
  beyond_ = beyond;
  const cv::Matx33d back = matrix_.inv();
  const auto a = [&](int row, int column) { return static_cast<float>(back(row, column)); };
  const float xx = a(0, 0), xy = a(0, 1), x1 = a(0, 2), yx = a(1, 0), yy = a(1, 1), y1 = a(1, 2);
  for (int i = 0; i < field.rows; ++i) {
    float* at = field.ptr<float>(i);
    for (int j = 0; j < field.cols; ++j) {
      const float x = static_cast<float>(j) + at[2 * j], y = static_cast<float>(i) + at[2 * j + 1];
      at[2 * j] = xx * x + xy * y + x1;
      at[2 * j + 1] = yx * x + yy * y + y1;
    }
  }
  image_and_mask moved;
  cv::remap(pixels_.image, moved.image, field, {}, cv::INTER_LINEAR, cv_border());
  cv::remap(pixels_.mask, moved.mask, field, {}, cv::INTER_NEAREST, cv_border());
  take(moved);
}

SEGX_IMPL_COLD cv::Mat& lazy_warp::image() {
  warp();
  if (!has_own_pixels() || !pixels_.image.isContinuous()) { pixels_.image = pixels_.image.clone(); }
  return pixels_.image;
}

SEGX_IMPL_COLD const cv::Mat& lazy_warp::seen_image() {
  warp();
  return pixels_.image;
}

SEGX_IMPL_COLD const cv::Mat& lazy_warp::mask() {
  warp();
  return pixels_.mask;
}

SEGX_IMPL_COLD void lazy_warp::set_image(cv::Mat image) {
  warp();
  pixels_.image = std::move(image);
}

SEGX_IMPL_COLD bool lazy_warp::is_exact() const {
  const auto whole = [](double v) { return std::abs(v - std::round(v)) < 1e-9; };
  return is_affine() && matrix_(0, 1) == 0 && matrix_(1, 0) == 0 && std::abs(matrix_(0, 0)) == 1 &&
         std::abs(matrix_(1, 1)) == 1 && whole(matrix_(0, 2)) && whole(matrix_(1, 2));
}

SEGX_IMPL_COLD void lazy_warp::take(const image_and_mask& moved) {
  pixels_ = moved;
  matrix_ = cv::Matx33d::eye();
}

SEGX_IMPL_COLD void lazy_warp::warp() {
  if (matrix_ == cv::Matx33d::eye() && size_ == pixels_.image.size()) { return; }
  if (is_exact()) {
    pixels_ = {moved_exactly(pixels_.image), moved_exactly(pixels_.mask)};
    matrix_ = cv::Matx33d::eye();
    return;
  }
  for (const cv::Size size : {size_, pixels_.image.size()}) { detail::expect_warpable(size); }
  image_and_mask moved;
  const auto interpolate = [&](const cv::Mat& from, cv::Mat& to, int how) {
    if (is_affine()) {
      cv::warpAffine(from, to, matrix_.get_minor<2, 3>(0, 0), size_, how, cv_border());
    } else {
      cv::warpPerspective(from, to, matrix_, size_, how, cv_border());
    }
  };
  interpolate(pixels_.image, moved.image, cv::INTER_LINEAR);
  interpolate(pixels_.mask, moved.mask, cv::INTER_NEAREST);
  take(moved);
}

SEGX_IMPL_COLD cv::Mat lazy_warp::moved_exactly(const cv::Mat& from) const {
  const auto first = [](double scale, double offset, int extent) {
    return static_cast<int>(std::lround(scale > 0 ? -offset : offset - (extent - 1)));
  };
  const cv::Rect window(
      {first(matrix_(0, 0), matrix_(0, 2), size_.width), first(matrix_(1, 1), matrix_(1, 2), size_.height)}, size_);
  const cv::Rect all({0, 0}, from.size());
  const cv::Rect seen = window & all;
  cv::Mat picture;
  if (seen == window) {
    picture = from(window);
  } else {
    const int left = std::max(0, -window.x), top = std::max(0, -window.y);
    const int right = std::max(0, window.br().x - all.width), bottom = std::max(0, window.br().y - all.height);
    cv::copyMakeBorder(from, picture, top, bottom, left, right, cv_border() | cv::BORDER_ISOLATED);
    picture = picture(window + cv::Point(left, top));
  }
  const bool mirror_x = matrix_(0, 0) < 0, mirror_y = matrix_(1, 1) < 0;
  if (!mirror_x && !mirror_y) { return picture; }
  cv::Mat mirrored;
  cv::flip(picture, mirrored, mirror_x && mirror_y ? -1 : mirror_x ? 1 : 0);
  return mirrored;
}

}  // namespace segx
