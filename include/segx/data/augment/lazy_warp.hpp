#pragma once

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

namespace segx {

/// An image and its mask, of one size. Copies share their pixels, as cv::Mat does.
struct image_and_mask {
  cv::Mat image;  // CV_32FC1 gray or CV_32FC3 red, green, blue, in [0,1]
  cv::Mat mask;   // CV_8UC1, a label map
};

/// What an augmentation that looks beyond an image's edge finds there, in the image and its mask alike, so that no
/// pixel has the label of another: their mirror image (… c b a b c …), or black and label 0.
enum class border { reflect, black };

/// An image and its mask on their way through augmentations. Those that move pixels only say where to, as a matrix;
/// matrices of several in a row are multiplied, and the pixels move once, when somebody wants to see them: quicker, and
/// interpolated once. Converts from and to image_and_mask, whose pixels it leaves as they were.
///
/// Images are interpolated linearly; masks take the label of the nearest pixel, so no label appears that was not there.
class lazy_warp {
 public:
  lazy_warp(image_and_mask x) : pixels_(std::move(x)), size_(pixels_.image.size()) {}

  operator image_and_mask() const {
    lazy_warp done = *this;
    done.warp();
    return done.pixels_;
  }

  /// Of the image and the mask, when all moves are done.
  [[nodiscard]] cv::Size size() const { return size_; }

  /// From now on, what is at (x, y) goes to m·(x, y, 1), in pixels from the first pixel's middle; the picture shows
  /// [0, to.width) × [0, to.height).
  void move(const cv::Matx33d& m, cv::Size to, border beyond) {
    if (beyond != beyond_) warp();
    matrix_ = m * matrix_;
    size_ = to;
    beyond_ = beyond;
  }
  void move(const cv::Matx33d& m, border beyond) { move(m, size_, beyond); }

  /// Displaces the picture: pixel p shows what would be at p + field(p) after the moves so far. field CV_32FC2 (x, y)
  /// of the picture's size; it is used up. Image and mask follow the same field.
  void displace(cv::Mat field, border beyond) {
    if (beyond != beyond_ || !is_affine()) warp();
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

  /// The image as it is now, continuous and nobody else's: to be changed in place.
  cv::Mat& image() {
    warp();
    if (!is_own_ || !pixels_.image.isContinuous()) pixels_.image = pixels_.image.clone();
    is_own_ = true;
    return pixels_.image;
  }

  /// The image as it is now, to be read.
  const cv::Mat& seen_image() {
    warp();
    return pixels_.image;
  }

  const cv::Mat& mask() {
    warp();
    return pixels_.mask;
  }

  /// An image that nobody else has takes the place of this one; same size.
  void set_image(cv::Mat image) {
    warp();
    pixels_.image = std::move(image);
    is_own_ = true;
  }

 private:
  [[nodiscard]] bool is_affine() const { return matrix_(2, 0) == 0 && matrix_(2, 1) == 0; }

  /// Whether pixels move as they are: mirrored or not, by whole pixels.
  [[nodiscard]] bool is_exact() const {
    const auto whole = [](double v) { return std::abs(v - std::round(v)) < 1e-9; };
    return is_affine() && matrix_(0, 1) == 0 && matrix_(1, 0) == 0 && std::abs(matrix_(0, 0)) == 1 &&
           std::abs(matrix_(1, 1)) == 1 && whole(matrix_(0, 2)) && whole(matrix_(1, 2));
  }

  [[nodiscard]] int cv_border() const {
    return beyond_ == border::reflect ? cv::BORDER_REFLECT_101 : cv::BORDER_CONSTANT;
  }

  void take(const image_and_mask& moved) {
    pixels_ = moved;
    matrix_ = cv::Matx33d::eye();
    is_own_ = true;
  }

  /// Does the moves.
  void warp() {
    if (matrix_ == cv::Matx33d::eye() && size_ == pixels_.image.size()) return;
    if (is_exact()) {
      is_own_ = is_own_ && size_ == pixels_.image.size();  // a part of a picture shares its pixels
      pixels_ = {moved_exactly(pixels_.image), moved_exactly(pixels_.mask)};
      matrix_ = cv::Matx33d::eye();
      return;
    }
    image_and_mask moved;
    const auto interpolate = [&](const cv::Mat& from, cv::Mat& to, int how) {
      if (is_affine()) cv::warpAffine(from, to, matrix_.get_minor<2, 3>(0, 0), size_, how, cv_border());
      else cv::warpPerspective(from, to, matrix_, size_, how, cv_border());
    };
    interpolate(pixels_.image, moved.image, cv::INTER_LINEAR);
    interpolate(pixels_.mask, moved.mask, cv::INTER_NEAREST);
    take(moved);
  }

  /// The window of `from` that goes to the picture, with a border where it leaves `from`, mirrored as the matrix says.
  [[nodiscard]] cv::Mat moved_exactly(const cv::Mat& from) const {
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
    if (!mirror_x && !mirror_y) return picture;
    cv::Mat mirrored;
    cv::flip(picture, mirrored, mirror_x && mirror_y ? -1 : mirror_x ? 1 : 0);
    return mirrored;
  }

  image_and_mask pixels_;  // before the moves
  cv::Matx33d matrix_ = cv::Matx33d::eye();
  cv::Size size_;
  border beyond_ = border::reflect;
  bool is_own_ = false;  // nobody else has the image's pixels
};

}  // namespace segx
