#pragma once

#include <array>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include <segx/core/random.hpp>
#include <segx/data/augment/draw.hpp>

namespace segx::detail::chest {

/// The draws that a phantom needs, in double and float, beyond those of random_generator.
class phantom_random : public random_generator {
 public:
  explicit phantom_random(std::uint64_t seed) : random_generator{seed} {}

  double between(double low, double high) { return draw_between(*this, low, high); }
  int integer(int low, int high) {
    return low + static_cast<int>(below(static_cast<std::uint64_t>(std::int64_t{high} - low + 1)));
  }
  bool chance(double probability) { return uniform() < probability; }

  float normal() { return draw_normal(*this); }

  /// A stream of its own, so that a part that draws more or fewer numbers does not change the parts after it.
  phantom_random fork() { return phantom_random{bits()}; }
};

/// A place in the body: x from the midline to the image's right, y from the top down; 1 is the image's edge.
using phantom_point = cv::Point2d;
using phantom_path = std::vector<phantom_point>;

/// A smooth curve through the corners (Catmull-Rom). An open curve begins and ends in its outer corners.
phantom_path spline(const phantom_path& corners, bool closed, int steps = 8);

/// A closed outline; angle in radians.
phantom_path ellipse(phantom_point centre, double rx, double ry, double angle = 0);

/// A rounded lump; angle in radians. power 1 is an ellipsoid, larger ones are softer at the edge, smaller ones flatter.
struct phantom_ellipsoid {
  phantom_point centre;
  double rx, ry, angle, weight;
  double power = 1;
};

/// Draws shapes given in body coordinates into square layers of float, additively and with exact edges, so that every
/// layer has passed through the same warp and looks the same at every size.
class phantom_canvas {
 public:
  /// warp: body coordinates -> image coordinates in [0,1]².
  phantom_canvas(int size, const cv::Matx23d& warp) : size_(size), to_pixels_(warp * static_cast<double>(size)) {}

  cv::Mat layer() const { return cv::Mat::zeros(size_, size_, CV_32FC1); }

  /// Adds weight times the part of each pixel that lies within the outline (even-odd rule).
  void fill(cv::Mat& layer, const phantom_path& outline, double weight = 1) const;

  /// Adds a band along the path; width and weight run linearly from the first to the last value.
  void stroke(cv::Mat& layer, const phantom_path& path, std::array<double, 2> width,
              std::array<double, 2> weight) const;
  void stroke(cv::Mat& layer, const phantom_path& path, double width, double weight) const {
    stroke(layer, path, {width, width}, {weight, weight});
  }

  /// Adds weight times the relative thickness, 1 in the middle, of an ellipsoid seen along one axis.
  void ellipsoid(cv::Mat& layer, const phantom_ellipsoid& e) const;

  /// Gaussian blur; sigma in body coordinates.
  void blur(cv::Mat& layer, double sigma) const {
    if (sigma * size_ > 0.3) { cv::GaussianBlur(layer, layer, {}, sigma * size_, 0, cv::BORDER_REPLICATE); }
  }

  /// The relative thickness of a body with a rounded rim: 0 at the edge of what `cover` (0..1) covers, rising as a
  /// quarter circle to 1 at the depth `rim`, in body coordinates.
  cv::Mat pillow(const cv::Mat& cover, double rim) const;

  /// Smooth noise, mean 0, variance about 0.5: `cells` random values along each edge, interpolated.
  cv::Mat clouds(int cells, phantom_random random) const;

 private:
  phantom_point in_pixels(phantom_point p) const;

  void add_span(float* row, double from, double to, float weight) const;

  int size_;
  cv::Matx23d to_pixels_;
};

}  // namespace segx::detail::chest

#ifndef SEGX_COMPILED
#include <segx/data/impl/phantom_canvas.hpp>
#endif
