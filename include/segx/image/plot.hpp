#pragma once

#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

namespace segx {

/// A curve through the points (x[i], y[i]), in that order. Where a number is NaN or infinite the curve has a gap; a
/// point with gaps on both sides is a dot.
struct series {
  std::string name;  ///< in the legend
  std::vector<double> x, y;
};

/// A dashed vertical line at x with a text above it.
struct plot_mark {
  double x = 0;
  std::string text;
};

/// One diagram. Text is ASCII, all that OpenCV's letters know.
struct plot_panel {
  std::string title, x_label, y_label;
  std::vector<series> curves;
  std::vector<plot_mark> marks;
  std::optional<double> y_min, y_max;  ///< ends of the axis; by the data where not given
};

struct plot_options {
  int width = 1400;
  int height = 560;
};

/// The multiples of a step of 1, 2 or 5 times a power of ten, but not below `least_step`, that lie in [low, high]:
/// about `count` of them.
std::vector<double> nice_ticks(double low, double high, int count, double least_step = 0);

namespace detail::plot {

/// All labels of an axis with the digits that its step needs.
std::vector<std::string> tick_labels(const std::vector<double>& ticks);

}  // namespace detail::plot

/// Line charts side by side on white, CV_8UC3 BGR. Throws segx::error if there is no panel, no room for them, or a
/// series has not as many x as y.
cv::Mat plot_curves(const std::vector<plot_panel>& panels, const plot_options& options = {});

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/image/impl/plot.hpp>
#endif
