#include <segx/image/plot.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include <segx/core/error.hpp>

namespace {

using ticks = std::vector<double>;

const cv::Scalar blue(178, 114, 0), vermillion(0, 94, 213);

/// Where the figure of one panel of the default size draws its data.
const cv::Rect frame(98, 104, 1400 - 98 - 34, 560 - 104 - 74);

/// 255 where a pixel is of about this colour.
cv::Mat of_colour(const cv::Mat& figure, const cv::Scalar& colour) {
  cv::Mat found;
  cv::inRange(figure, colour - cv::Scalar::all(40), colour + cv::Scalar::all(40), found);
  return found;
}

cv::Rect bounds(const cv::Mat& found) {
  std::vector<cv::Point> points;
  cv::findNonZero(found, points);
  return points.empty() ? cv::Rect() : cv::boundingRect(points);
}

/// A panel whose y axis is [0, 1].
segx::plot_panel panel_of(std::vector<segx::series> curves) {
  return {"title", "x", "y", std::move(curves), {}, 0.0, 1.0};
}

double column_of(double x, double low, double high) {
  const double margin = 0.015 * (high - low);
  return frame.x + (x - low + margin) / (high - low + 2 * margin) * frame.width;
}

}  // namespace

TEST_CASE("ticks are multiples of 1, 2 or 5 times a power of ten within the interval") {
  CHECK(segx::nice_ticks(0, 10, 5) == ticks{0, 2, 4, 6, 8, 10});
  CHECK(segx::nice_ticks(0, 1, 10) == ticks{0, 0.1, 0.2, 3 * 0.1, 0.4, 0.5, 6 * 0.1, 7 * 0.1, 0.8, 0.9, 1});
  CHECK(segx::nice_ticks(-0.7, 1.2, 4) == ticks{-0.5, 0, 0.5, 1});
  CHECK(segx::nice_ticks(1, 40, 6) == ticks{10, 20, 30, 40});
  CHECK(segx::nice_ticks(103, 104, 2) == ticks{103, 103.5, 104});
}

TEST_CASE("ticks of any interval are few, regular and inside") {
  for (const double low : {-1e9, -3.7, -1e-6, 0.0, 0.31, 5.0, 1e6}) {
    for (const double length : {1e-5, 0.07, 1.0, 4.4, 999.0, 3e7}) {
      for (const int count : {1, 3, 6, 10}) {
        const double high = low + length;
        const ticks t = segx::nice_ticks(low, high, count);
        const double tolerance = 1e-6 * length + 1e-15 * std::abs(low);
        INFO(low << " to " << high << ", " << count);
        REQUIRE(t.size() <= static_cast<std::size_t>(count) + 1);
        if (count > 2) { REQUIRE(t.size() >= static_cast<std::size_t>(count) / 3); }
        for (std::size_t k = 0; k < t.size(); ++k) {
          REQUIRE(t[k] >= low - tolerance);
          REQUIRE(t[k] <= high + tolerance);
          if (k > 1) { REQUIRE(std::abs(t[k] - 2 * t[k - 1] + t[k - 2]) <= 2 * tolerance); }
        }
      }
    }
  }
}

TEST_CASE("ticks can be kept to whole numbers, and impossible intervals have none") {
  CHECK(segx::nice_ticks(1, 3, 10, 1) == ticks{1, 2, 3});
  CHECK(segx::nice_ticks(1, 3, 4) == ticks{1, 1.5, 2, 2.5, 3});
  CHECK(segx::nice_ticks(1, 1, 5).empty());
  CHECK(segx::nice_ticks(2, 1, 5).empty());
  CHECK(segx::nice_ticks(0, NAN, 5).empty());
  CHECK(segx::nice_ticks(0, INFINITY, 5).empty());
  CHECK(segx::nice_ticks(1e20, 1e20 + 65536, 5).size() < 20);
  CHECK(segx::nice_ticks(0, std::numeric_limits<double>::denorm_min(), 5).size() < 20);
}

TEST_CASE("labels of an axis have the digits of its step") {
  using labels = std::vector<std::string>;
  CHECK(segx::detail::plot::tick_labels({0, 0.5, 1}) == labels{"0.0", "0.5", "1.0"});
  CHECK(segx::detail::plot::tick_labels({0, 0.1, 0.2}) == labels{"0.0", "0.1", "0.2"});
  CHECK(segx::detail::plot::tick_labels({0.90, 0.95}) == labels{"0.90", "0.95"});
  CHECK(segx::detail::plot::tick_labels({-10, 0, 10}) == labels{"-10", "0", "10"});
  CHECK(segx::detail::plot::tick_labels({2e-7, 4e-7}) == labels{"2e-07", "4e-07"});
  CHECK(segx::detail::plot::tick_labels({0, 5e6}) == labels{"0", "5e+06"});
  CHECK(segx::detail::plot::tick_labels({}).empty());
}

TEST_CASE("a curve is drawn where its data is and nowhere else") {
  const cv::Mat figure = segx::plot_curves({panel_of({{"level", {1, 5}, {0.5, 0.5}}})});
  REQUIRE(figure.type() == CV_8UC3);
  REQUIRE(figure.size() == cv::Size(1400, 560));
  cv::Mat found = of_colour(figure, blue);
  found.rowRange(0, frame.y - 10) = cv::Scalar(0);  // the legend
  const cv::Rect drawn = bounds(found);
  CHECK(drawn.y + drawn.height / 2.0 == Approx(frame.y + frame.height / 2.0).margin(1));
  CHECK(drawn.height <= 4);
  CHECK(drawn.x == Approx(column_of(1, 1, 5)).margin(2.5));
  CHECK(drawn.br().x == Approx(column_of(5, 1, 5)).margin(2.5));
  CHECK(bounds(of_colour(figure, vermillion)).empty());
}

TEST_CASE("a steep curve passes through its points") {
  const cv::Mat figure = segx::plot_curves({panel_of({{"", {0, 10}, {0, 1}}})});
  const cv::Mat found = of_colour(figure, blue);
  for (const double x : {2.0, 5.0, 8.0}) {
    const cv::Point at(cvRound(column_of(x, 0, 10)), cvRound(frame.br().y - x / 10 * frame.height));
    CHECK(found.at<unsigned char>(at) == 255);
    CHECK(found.at<unsigned char>(at + cv::Point(0, 8)) == 0);
    CHECK(found.at<unsigned char>(at - cv::Point(0, 8)) == 0);
  }
}

TEST_CASE("what lies outside a fixed axis is cut off at the frame") {
  const cv::Mat figure = segx::plot_curves({panel_of({{"", {1, 2, 3, 4}, {0.5, 1e9, -7, 0.5}}})});
  cv::Mat found = of_colour(figure, blue);
  found.rowRange(0, frame.y - 10) = cv::Scalar(0);
  const cv::Rect drawn = bounds(found), allowed(frame.x - 5, frame.y - 5, frame.width + 10, frame.height + 10);
  CHECK((drawn & allowed) == drawn);
  CHECK(drawn.height > frame.height - 10);
}

TEST_CASE("NaN and infinity are gaps, and a lonely point is a dot") {
  const cv::Mat figure =
      segx::plot_curves({panel_of({{"", {0, 1, 2, 3, 4, 5, 6}, {0.5, 0.5, NAN, 0.5, INFINITY, 0.5, 0.5}}})});
  const cv::Mat found = of_colour(figure, blue).rowRange(frame.y, frame.br().y);
  const auto drawn_at = [&](double x) { return cv::countNonZero(found.col(cvRound(column_of(x, 0, 6)))); };
  CHECK(drawn_at(0.5) > 0);
  CHECK(drawn_at(1.5) == 0);
  CHECK(drawn_at(2.0) == 0);
  CHECK(drawn_at(2.5) == 0);
  CHECK(drawn_at(3.0) > drawn_at(0.5) + 2);  // a dot is thicker than a line
  CHECK(drawn_at(4.0) == 0);
  CHECK(drawn_at(5.5) > 0);
}

TEST_CASE("series of different lengths share the axes, and panels their own halves") {
  const segx::plot_panel full = panel_of({{"a", {0, 10}, {0.2, 0.2}}, {"b", {0, 5}, {0.8, 0.8}}});
  const cv::Mat figure = segx::plot_curves({full});
  const cv::Mat found = of_colour(figure, vermillion).rowRange(frame.y, frame.br().y);
  CHECK(bounds(found).br().x == Approx(column_of(5, 0, 10)).margin(2.5));

  const cv::Mat halves = segx::plot_curves({panel_of({}), full});
  CHECK(bounds(of_colour(halves, blue)).x > 700);
}

TEST_CASE("an axis without ends holds all of the data") {
  segx::plot_panel panel{"", "", "", {{"", {1, 2, 3}, {-123456, 0, 987654}}}, {}, {}, {}};
  const cv::Mat figure = segx::plot_curves({panel});
  const cv::Rect drawn = bounds(of_colour(figure, blue).rowRange(frame.y, 560));
  CHECK(drawn.y > 8);
  CHECK(drawn.br().y < frame.height - 8);
  CHECK(drawn.height > 0.85 * frame.height);
}

TEST_CASE("a mark puts a dot on each curve at its place") {
  segx::plot_panel panel = panel_of({{"", {0, 5, 10}, {0.5, 0.5, 0.5}}});
  const auto thickness = [&](double x) {
    const cv::Mat found = of_colour(segx::plot_curves({panel}), blue).rowRange(frame.y, frame.br().y);
    return cv::countNonZero(found.col(cvRound(column_of(x, 0, 10))));
  };
  const int plain = thickness(5);
  panel.marks = {{5, "best"}};
  CHECK(thickness(5) > plain + 2);
  CHECK(thickness(2) == plain);
  panel.marks = {{50, "outside"}, {NAN, "nowhere"}};
  CHECK(thickness(5) == plain);
}

TEST_CASE("nothing to show is no error") {
  CHECK_FALSE(segx::plot_curves({panel_of({})}).empty());
  CHECK_FALSE(segx::plot_curves({{"", "", "", {{"", {}, {}}, {"", {1}, {NAN}}}, {{1, "here"}}, {}, {}}}).empty());
  CHECK_FALSE(segx::plot_curves({{"", "", "", {{"", {1, 2}, {0, 0}}}, {}, 3.0, 3.0}}).empty());
  CHECK_FALSE(segx::plot_curves({{"", "", "", {{"", {1, 2}, {-1e300, 1e308}}}, {}, {}, {}}}).empty());
}

TEST_CASE("what cannot be drawn is refused") {
  using Catch::Matchers::Contains;
  CHECK_THROWS_AS(segx::plot_curves({}), segx::error);
  CHECK_THROWS_WITH(segx::plot_curves({panel_of({{"val", {1, 2}, {1}}})}), Contains("\"val\" has 2 x and 1 y"));
  CHECK_THROWS_WITH(segx::plot_curves({panel_of({})}, {200, 560}), Contains("too few"));
}
