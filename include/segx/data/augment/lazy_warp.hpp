#pragma once

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
  void move(const cv::Matx33d& m, cv::Size to, border beyond);
  void move(const cv::Matx33d& m, border beyond) { move(m, size_, beyond); }

  /// Displaces the picture: pixel p shows what would be at p + field(p) after the moves so far. field CV_32FC2 (x, y)
  /// of the picture's size; it is used up. Image and mask follow the same field.
  void displace(cv::Mat field, border beyond);

  /// The image as it is now, continuous and nobody else's: to be changed in place.
  cv::Mat& image();

  /// The image as it is now, to be read.
  const cv::Mat& seen_image();

  const cv::Mat& mask();

  /// An image that nobody else has takes the place of this one; same size.
  void set_image(cv::Mat image);

 private:
  [[nodiscard]] bool is_affine() const { return matrix_(2, 0) == 0 && matrix_(2, 1) == 0; }

  /// Whether nobody else has the image's pixels.
  [[nodiscard]] bool has_own_pixels() const { return pixels_.image.u != nullptr && pixels_.image.u->refcount == 1; }

  /// Whether pixels move as they are: mirrored or not, by whole pixels.
  [[nodiscard]] bool is_exact() const;

  [[nodiscard]] int cv_border() const {
    return beyond_ == border::reflect ? cv::BORDER_REFLECT_101 : cv::BORDER_CONSTANT;
  }

  void take(const image_and_mask& moved);

  /// Does the moves.
  void warp();

  /// The window of `from` that goes to the picture, with a border where it leaves `from`, mirrored as the matrix says.
  [[nodiscard]] cv::Mat moved_exactly(const cv::Mat& from) const;

  image_and_mask pixels_;  // before the moves
  cv::Matx33d matrix_ = cv::Matx33d::eye();
  cv::Size size_;
  border beyond_ = border::reflect;
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/augment/impl/lazy_warp.hpp>
#endif
