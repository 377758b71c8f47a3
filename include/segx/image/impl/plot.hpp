#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <opencv2/imgproc.hpp>
#include <optional>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/image/plot.hpp>

namespace segx {

SEGX_IMPL_COLD std::vector<double> nice_ticks(double low, double high, int count, double least_step) {
  if (!(high > low) || !std::isfinite(high - low) || count < 1) { return {}; }
  const double wanted = std::max((high - low) / count, least_step);
  const double power = std::pow(10.0, std::floor(std::log10(wanted)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= wanted * (1 - 1e-9)) { step = factor * power; }
  }

  if (!(step > 0)) {
    return {};  // closer together than numbers are
  }

  std::vector<double> ticks;
  const double tolerance = 1e-9 * (high - low) / step;
  const double first = std::ceil(low / step - tolerance), last = std::floor(high / step + tolerance);
  for (int k = 0; k <= last - first; ++k) {
    ticks.push_back((first + k) * step + 0.0);  // + 0.0: never "-0"
  }
  return ticks;
}

namespace detail::plot {

using colour = cv::Scalar;  // BGR

/// Okabe and Ito's palette, which colour-blind people tell apart, without its yellow, too pale for a line on white:
/// blue, vermillion, bluish green, reddish purple, orange, sky blue.
inline const std::array<colour, 6> curve_colours{
    {{178, 114, 0}, {0, 94, 213}, {115, 158, 0}, {167, 121, 204}, {0, 159, 230}, {233, 180, 86}}};
inline const colour paper(255, 255, 255), ink(51, 41, 36), faint_ink(125, 114, 107), grid_line(235, 231, 229);

struct interval {
  double low, high;
  double length() const { return high - low; }
};

inline bool is_point(const series& s, std::size_t k) {
  constexpr double most = 1e300;  // differences of such numbers are finite too; NaN is not below it
  return std::abs(s.x[k]) <= most && std::abs(s.y[k]) <= most;
}

/// The smallest interval that holds the coordinate of each drawn point; nothing where there is none.
inline std::optional<interval> extent(const std::vector<series>& curves,
                                      const std::vector<double> series::*coordinate) {
  std::optional<interval> found;
  for (const series& s : curves) {
    for (std::size_t k = 0; k < s.x.size(); ++k) {
      if (!is_point(s, k)) { continue; }
      const double value = (s.*coordinate)[k];
      if (!found) { found = {value, value}; }
      found = {std::min(found->low, value), std::max(found->high, value)};
    }
  }
  return found;
}

/// Around an interval, `share` of its length to each side; a single value gets an interval too.
inline interval widened(interval i, double share) {
  const double margin = i.length() > 0 ? share * i.length() : std::max(0.5 * std::abs(i.low), 1e-3);
  return {i.low - margin, i.high + margin};
}

SEGX_IMPL_COLD std::vector<std::string> tick_labels(const std::vector<double>& ticks) {
  std::vector<std::string> labels;
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : std::abs(ticks.empty() ? 1.0 : ticks[0]);
  const double largest = ticks.empty() ? 0 : std::max(std::abs(ticks.front()), std::abs(ticks.back()));
  const int decimals = step > 0 ? std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))) : 0;
  for (const double tick : ticks) {
    char text[40];
    if (decimals > 5 || largest >= 1e6) {
      std::snprintf(text, sizeof text, "%.3g", tick);
    } else {
      std::snprintf(text, sizeof text, "%.*f", decimals, tick);
    }
    labels.emplace_back(text);
  }
  return labels;
}

/// A sheet that is drawn several times larger than it is and then averaged down, which makes OpenCV's letters and lines
/// crisp. Coordinates are pixels of the finished sheet, fractions allowed.
class sheet {
 public:
  static constexpr int scale = 3;
  static constexpr int fraction_bits = 6;

  sheet(int width, int height) : pixels_(height * scale, width * scale, CV_8UC3, paper) {}

  cv::Mat finished() const {
    cv::Mat small;
    cv::resize(pixels_, small, {pixels_.cols / scale, pixels_.rows / scale}, 0, 0, cv::INTER_AREA);
    return small;
  }

  /// Until the next call, nothing is drawn outside this part of the sheet.
  void clip_to(cv::Rect2d part) {
    clip_ = cv::Rect(cvRound(part.x * scale), cvRound(part.y * scale), cvRound(part.width * scale),
                     cvRound(part.height * scale)) &
            cv::Rect(0, 0, pixels_.cols, pixels_.rows);
  }

  void line(const std::vector<cv::Point2d>& points, const colour& c, double thickness) {
    std::vector<cv::Point> fixed;
    fixed.reserve(points.size());
    for (const cv::Point2d p : points) { fixed.push_back(fixed_point(p)); }
    cv::Mat part = clipped();
    cv::polylines(part, fixed, false, c, cvRound(thickness * scale), cv::LINE_AA, fraction_bits);
  }

  void dot(cv::Point2d centre, const colour& c, double radius) {
    cv::Mat part = clipped();
    cv::circle(part, fixed_point(centre), cvRound(radius * scale * (1 << fraction_bits)), c, cv::FILLED, cv::LINE_AA,
               fraction_bits);
  }

  void dashed_line(cv::Point2d from, cv::Point2d to, const colour& c, double thickness, double dash) {
    const double length = cv::norm(to - from);
    const cv::Point2d step = (to - from) / std::max(length, 1e-9);
    for (double at = 0; at < length; at += 2 * dash) {
      line({from + step * at, from + step * std::min(at + dash, length)}, c, thickness);
    }
  }

  /// Width of a text whose capitals are `height` pixels high.
  static double text_width(const std::string& text, double height) {
    return cv::getTextSize(text, face, letter_scale(height), letter_thickness(height), nullptr).width / double(scale);
  }

  /// Text on a base line that begins (align 0), is centred (0.5) or ends (1) at `at`; bold letters have thicker
  /// strokes.
  void text(const std::string& text, cv::Point2d at, double height, const colour& c, double align = 0,
            bool bold = false) {
    at.x -= align * text_width(text, height);
    cv::Mat part = clipped();
    cv::putText(part, text, cv::Point(cvRound(at.x * scale), cvRound(at.y * scale)) - clip_.tl(), face,
                letter_scale(height), c, letter_thickness(height) + (bold ? scale - 1 : 0), cv::LINE_AA);
  }

  /// Text that reads upwards, its middle at `middle`, which lies on the base line.
  void upward_text(const std::string& text, cv::Point2d middle, double height, const colour& c) {
    const int length = cvCeil(text_width(text, height)) + 4, depth = cvCeil(2 * height);
    sheet lying(length, depth);
    lying.text(text, {length / 2.0, 1.4 * height}, height, c, 0.5);
    cv::Mat standing;
    cv::rotate(lying.pixels_, standing, cv::ROTATE_90_COUNTERCLOCKWISE);
    const cv::Rect place({cvRound((middle.x - 1.4 * height) * scale), cvRound((middle.y - length / 2.0) * scale)},
                         standing.size());
    const cv::Rect seen = place & cv::Rect(0, 0, pixels_.cols, pixels_.rows);
    if (!seen.empty()) { standing(seen - place.tl()).copyTo(pixels_(seen)); }
  }

 private:
  static constexpr int face = cv::FONT_HERSHEY_SIMPLEX;
  static constexpr double capital_height = 21;  // of this face at scale 1

  static double letter_scale(double height) { return height * scale / capital_height; }
  static int letter_thickness(double height) { return std::max(1, cvRound(height * scale * 0.115)); }

  cv::Mat clipped() { return pixels_(clip_); }

  cv::Point fixed_point(cv::Point2d p) const {
    constexpr double unit = 1 << fraction_bits;
    // OpenCV's pixel 0 has its middle at 0, ours at half a pixel.
    return {cvRound((p.x * scale - 0.5 - clip_.x) * unit), cvRound((p.y * scale - 0.5 - clip_.y) * unit)};
  }

  cv::Mat pixels_;
  cv::Rect clip_{0, 0, pixels_.cols, pixels_.rows};
};

/// Sizes in pixels of the finished picture.
struct plot_sizes {
  static constexpr double title = 15, label = 12, tick = 11;  // heights of capitals
  static constexpr double curve = 2.6, axis = 1.4, grid = 1, mark = 1.5, dash = 6, dot = 4.5, halo = 1.5;
  static constexpr double least_left = 98, right = 34, top = 104, bottom = 74;  // around the frame
};

/// Where numbers lie: `frame` in pixels shows x and y.
struct axes {
  cv::Rect2d frame;
  interval x, y;

  double pixel_x(double value) const { return frame.x + (value - x.low) / x.length() * frame.width; }
  double pixel_y(double value) const {
    const double up = std::clamp((value - y.low) / y.length(), -8.0, 9.0);  // not farther, it is an integer in OpenCV
    return frame.br().y - up * frame.height;
  }
  cv::Point2d pixel(const series& s, std::size_t k) const { return {pixel_x(s.x[k]), pixel_y(s.y[k])}; }
};

inline void draw_legend(sheet& page, const std::vector<series>& curves, cv::Point2d at) {
  constexpr double sample = 26, gap = 10, between = 28;
  for (std::size_t k = 0; k < curves.size(); ++k) {
    const double middle = at.y - plot_sizes::label / 2;
    page.line({{at.x, middle}, {at.x + sample, middle}}, curve_colours[k % curve_colours.size()],
              plot_sizes::curve + 1);
    at.x += sample + gap;
    page.text(curves[k].name, at, plot_sizes::label, ink);
    at.x += sheet::text_width(curves[k].name, plot_sizes::label) + between;
  }
}

inline void draw_grid(sheet& page, const axes& a, const std::vector<double>& x_ticks,
                      const std::vector<double>& y_ticks) {
  using size = plot_sizes;
  const cv::Rect2d& f = a.frame;
  const std::vector<std::string> x_labels = tick_labels(x_ticks), y_labels = tick_labels(y_ticks);
  for (std::size_t k = 0; k < x_ticks.size(); ++k) {
    const double at = a.pixel_x(x_ticks[k]);
    page.line({{at, f.y}, {at, f.br().y}}, grid_line, size::grid);
    page.text(x_labels[k], {at, f.br().y + 12 + size::tick}, size::tick, faint_ink, 0.5);
  }
  for (std::size_t k = 0; k < y_ticks.size(); ++k) {
    const double at = a.pixel_y(y_ticks[k]);
    page.line({{f.x, at}, {f.br().x, at}}, grid_line, size::grid);
    page.text(y_labels[k], {f.x - 10, at + size::tick / 2}, size::tick, faint_ink, 1);
  }
  page.line({f.tl(), {f.x, f.br().y}, f.br()}, faint_ink, size::axis);
}

inline void draw_mark(sheet& page, const axes& a, const plot_mark& mark) {
  if (!(mark.x >= a.x.low && mark.x <= a.x.high)) { return; }
  const double at = a.pixel_x(mark.x), half = sheet::text_width(mark.text, plot_sizes::tick) / 2;
  page.dashed_line({at, a.frame.y}, {at, a.frame.br().y}, faint_ink, plot_sizes::mark, plot_sizes::dash);
  const double middle = std::max(std::min(at, a.frame.br().x - half), a.frame.x + half);  // the text keeps to the frame
  page.text(mark.text, {middle, a.frame.y - 8}, plot_sizes::tick, faint_ink, 0.5);
}

inline void draw_curve(sheet& page, const axes& a, const series& s, const colour& c) {
  std::vector<cv::Point2d> piece;  // points since the last gap
  for (std::size_t k = 0; k <= s.x.size(); ++k) {
    if (k < s.x.size() && is_point(s, k)) {
      piece.push_back(a.pixel(s, k));
      continue;
    }
    if (piece.size() == 1) { page.dot(piece.front(), c, plot_sizes::dot); }
    if (piece.size() > 1) { page.line(piece, c, plot_sizes::curve); }
    piece.clear();
  }
}

inline void draw_panel(sheet& page, const plot_panel& panel, cv::Rect2d place) {
  using size = plot_sizes;
  const std::optional<interval> data_x = extent(panel.curves, &series::x), data_y = extent(panel.curves, &series::y);
  axes a{{}, data_x.value_or(interval{0, 1}), data_y.value_or(interval{0, 1})};
  a.x = a.x.length() > 0 ? widened(a.x, 0.015) : interval{a.x.low - 1, a.x.high + 1};
  const auto fix_ends = [&] { a.y = {panel.y_min.value_or(a.y.low), panel.y_max.value_or(a.y.high)}; };
  fix_ends();
  a.y = widened(a.y, 0.05);  // only at the free ends
  fix_ends();
  if (!(a.y.length() > 0)) { a.y.high = a.y.low + 1; }

  // Labels of the y axis need room on its left.
  const double height = place.height - size::top - size::bottom;
  const std::vector<double> y_ticks = nice_ticks(a.y.low, a.y.high, cvRound(height / 60));
  double left = size::least_left;
  for (const std::string& label : tick_labels(y_ticks)) {
    left = std::max(left, sheet::text_width(label, size::tick) + 56);
  }
  a.frame = {place.x + left, place.y + size::top, place.width - left - size::right, height};

  page.clip_to(place);
  page.text(panel.title, {a.frame.x, place.y + 38}, size::title, ink, 0, true);
  page.text(panel.x_label, {a.frame.x + a.frame.width / 2, place.br().y - 20}, size::label, faint_ink, 0.5);
  page.upward_text(panel.y_label, {place.x + 30, a.frame.y + height / 2}, size::label, faint_ink);
  if (!data_x) {
    draw_grid(page, a, {}, {});
    page.text("no data yet", (a.frame.tl() + a.frame.br()) / 2, size::label, faint_ink, 0.5);
    return;
  }
  draw_legend(page, panel.curves, {a.frame.x, place.y + 68});
  const auto counts = [](const series& s) {
    return std::ranges::all_of(s.x, [](double v) { return v == std::floor(v); });
  };
  const double least_step = std::ranges::all_of(panel.curves, counts) ? 1 : 0;
  draw_grid(page, a, nice_ticks(a.x.low, a.x.high, cvRound(a.frame.width / 80), least_step), y_ticks);
  for (const plot_mark& mark : panel.marks) { draw_mark(page, a, mark); }

  const cv::Point2d rim(size::dot, size::dot);  // a curve on the frame's edge keeps its thickness
  page.clip_to({a.frame.tl() - rim, a.frame.br() + rim});
  const auto colour_of = [](std::size_t k) { return curve_colours[k % curve_colours.size()]; };
  for (std::size_t k = 0; k < panel.curves.size(); ++k) { draw_curve(page, a, panel.curves[k], colour_of(k)); }
  for (const plot_mark& mark : panel.marks) {
    for (std::size_t k = 0; k < panel.curves.size(); ++k) {
      for (std::size_t i = 0; i < panel.curves[k].x.size(); ++i) {
        if (panel.curves[k].x[i] != mark.x || !is_point(panel.curves[k], i)) { continue; }
        page.dot(a.pixel(panel.curves[k], i), paper, size::dot + size::halo);
        page.dot(a.pixel(panel.curves[k], i), colour_of(k), size::dot);
      }
    }
  }
}

}  // namespace detail::plot

SEGX_IMPL_COLD cv::Mat plot_curves(const std::vector<plot_panel>& panels, const plot_options& options) {
  if (panels.empty()) { fail("plot_curves: expected at least one panel"); }
  const double width = double(options.width) / double(panels.size());
  if (width < 300 || options.height < 260) {
    fail({"plot_curves: ", options.width, " x ", options.height, " pixels are too few for ", panels.size(),
          " panels, each needs 300 x 260"});
  }
  for (const plot_panel& panel : panels) {
    for (const series& s : panel.curves) {
      if (s.x.size() != s.y.size()) {
        fail({"plot_curves: the series \"", s.name, "\" has ", s.x.size(), " x and ", s.y.size(), " y"});
      }
    }
  }
  detail::plot::sheet page(options.width, options.height);
  for (std::size_t k = 0; k < panels.size(); ++k) {
    detail::plot::draw_panel(page, panels[k], {width * double(k), 0, width, double(options.height)});
  }
  return page.finished();
}

}  // namespace segx
