#include <segx/data/phantom.hpp>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/random.hpp>

#include "temporary_folder.hpp"

namespace {

bool equal(const cv::Mat& a, const cv::Mat& b) {
  return a.type() == b.type() && a.size() == b.size() && cv::norm(a, b, cv::NORM_INF) == 0;
}

double area_fraction(const cv::Mat& mask) { return cv::countNonZero(mask) / static_cast<double>(mask.total()); }

double iou(const cv::Mat& a, const cv::Mat& b) {
  return cv::countNonZero(a & b) / static_cast<double>(cv::countNonZero(a | b));
}

/// The best IoU that `grey <= threshold` can reach, the threshold chosen with the mask in hand.
double best_threshold_iou(const segx::phantom& p) {
  std::array<double, 256> lung{}, other{};
  double all_lung = 0;
  for (int y = 0; y < p.image.rows; ++y) {
    for (int x = 0; x < p.image.cols; ++x) {
      const bool is_lung = p.mask.at<std::uint8_t>(y, x) != 0;
      (is_lung ? lung : other)[p.image.at<std::uint16_t>(y, x) >> 8] += 1;
      all_lung += is_lung;
    }
  }
  double best = 0, hit = 0, false_alarm = 0;
  for (std::size_t grey = 0; grey < lung.size(); ++grey) {
    hit += lung[grey];
    false_alarm += other[grey];
    best = std::max(best, hit / (all_lung + false_alarm));
  }
  return best;
}

}  // namespace

TEST_CASE("a phantom is a 16-bit image and a mask of the size asked for") {
  for (const int size : {16, 97, 256}) {
    const auto p = segx::make_phantom(1, size);
    CHECK(p.image.type() == CV_16UC1);
    CHECK(p.mask.type() == CV_8UC1);
    CHECK(p.image.size() == cv::Size(size, size));
    CHECK(p.mask.size() == cv::Size(size, size));
  }
}

TEST_CASE("a phantom is a function of seed and size") {
  const auto first = segx::make_phantom(7, 128), again = segx::make_phantom(7, 128), other = segx::make_phantom(8, 128);
  CHECK(equal(first.image, again.image));
  CHECK(equal(first.mask, again.mask));
  CHECK_FALSE(equal(first.image, other.image));
  CHECK(iou(first.mask, other.mask) < 0.95);
}

TEST_CASE("a phantom is the same with every compiler") {
  // Pixels of lung and mean grey of seeds 1, 2, 3 at 256, made with GCC 12; roundings may differ, chests may not.
  const std::array<int, 3> pixels{18091, 12397, 17848};
  const std::array<double, 3> grey{41979.1, 37047.6, 37852.3};
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto p = segx::make_phantom(i + 1, 256);
    CHECK(std::abs(cv::countNonZero(p.mask) - pixels[i]) <= 4);
    CHECK(cv::mean(p.image)[0] == Approx(grey[i]).margin(20));
  }
}

TEST_CASE("masks of phantoms are two lungs of plausible size") {
  double mean = 0, smallest = 1, largest = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    const auto mask = segx::make_phantom(seed, 96).mask;
    REQUIRE(cv::countNonZero((mask != 0) & (mask != 255)) == 0);
    cv::Mat labels, areas, centres;
    REQUIRE(cv::connectedComponentsWithStats(mask, labels, areas, centres) == 3);  // background and two lungs
    const int one = areas.at<int>(1, cv::CC_STAT_AREA), two = areas.at<int>(2, cv::CC_STAT_AREA);
    CHECK(std::min(one, two) > 0.25 * std::max(one, two));
    const double fraction = area_fraction(mask);
    mean += fraction / 200;
    smallest = std::min(smallest, fraction);
    largest = std::max(largest, fraction);
  }
  // 598 real X-rays of the Montgomery and Shenzhen collections have 0.25 on average.
  CHECK(mean == Approx(0.25).margin(0.03));
  CHECK(smallest > 0.08);
  CHECK(largest < 0.45);
  CHECK(largest - smallest > 0.12);
}

TEST_CASE("images of phantoms use the range of grey, and lungs are darker than what lies between them") {
  double lungs = 0, between = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    const auto p = segx::make_phantom(seed, 128);
    double darkest = 0, brightest = 0;
    cv::minMaxLoc(p.image, &darkest, &brightest);
    CHECK(brightest - darkest > 0.6 * 65535);

    // Between the lungs: in rows that have both, the pixels from the first to the last of lung that are none.
    cv::Mat middle = cv::Mat::zeros(p.mask.size(), CV_8UC1);
    for (int y = 0; y < p.mask.rows; ++y) {
      const cv::Mat row = p.mask.row(y);
      std::vector<cv::Point> lung;
      cv::findNonZero(row, lung);
      if (!lung.empty()) { middle(cv::Rect(lung.front().x, y, lung.back().x - lung.front().x + 1, 1)).setTo(255); }
    }
    middle &= ~p.mask;
    const double lung = cv::mean(p.image, p.mask)[0], dense = cv::mean(p.image, middle)[0];
    CHECK(lung < dense);
    lungs += lung / 40;
    between += dense / 40;
  }
  CHECK(lungs < 0.7 * between);
}

TEST_CASE("no threshold on grey finds the lungs of phantoms") {
  double mean = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) { mean += best_threshold_iou(segx::make_phantom(seed, 128)) / 60; }
  CHECK(mean < 0.6);
}

TEST_CASE("another size of a seed shows the same body") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    INFO("seed " << seed);
    const auto small = segx::make_phantom(seed, 128), large = segx::make_phantom(seed, 384);
    cv::Mat image, mask;
    cv::resize(large.image, image, small.image.size(), 0, 0, cv::INTER_AREA);
    cv::resize(large.mask, mask, small.mask.size(), 0, 0, cv::INTER_AREA);
    CHECK(iou(mask >= 128, small.mask) > 0.985);
    CHECK(cv::norm(image, small.image, cv::NORM_L1) / static_cast<double>(image.total()) < 0.03 * 65535);
  }
}

TEST_CASE("written phantoms are read back as they were drawn") {
  const temporary_folder folder;
  segx::write_phantoms(folder / "new", 3, 64, 5);
  segx::write_phantoms(folder / "new", 2, 64, 5);  // replaces its own files
  segx::write_phantoms(folder / "fewer", 1, 64, 5);
  segx::random_generator seeds{5};
  for (const std::string name : {"phantom_0001.png", "phantom_0002.png", "phantom_0003.png"}) {
    const auto drawn = segx::make_phantom(seeds.bits(), 64);
    const auto image = folder / "new" / "images" / name, mask = folder / "new" / "masks" / name;
    CHECK(equal(cv::imread(image.string(), cv::IMREAD_UNCHANGED), drawn.image));
    CHECK(equal(cv::imread(mask.string(), cv::IMREAD_UNCHANGED), drawn.mask));
  }
  CHECK_FALSE(std::filesystem::exists(folder / "new" / "images" / "phantom_0004.png"));
  const auto first = [&](const char* set) {
    return cv::imread((folder / set / "images" / "phantom_0001.png").string(), cv::IMREAD_UNCHANGED);
  };
  CHECK(equal(first("fewer"), first("new")));
}

TEST_CASE("phantoms refuse what cannot be drawn or written") {
  const temporary_folder folder;
  CHECK_THROWS_WITH(segx::make_phantom(1, 15), Catch::Contains("15 pixels") && Catch::Contains("16 to 8192"));
  CHECK_THROWS_AS(segx::make_phantom(1, 8193), segx::error);
  CHECK_THROWS_AS(segx::make_phantom(1, -256), segx::error);
  CHECK_THROWS_WITH(segx::write_phantoms(folder / "a", 0, 64, 1), Catch::Contains("0 phantoms"));
  CHECK_THROWS_WITH(segx::write_phantoms(folder / "a", 1, 0, 1), Catch::Contains("0 pixels"));
  CHECK_FALSE(std::filesystem::exists(folder / "a"));

  std::ofstream(folder / "file") << "in the way";
  CHECK_THROWS_WITH(segx::write_phantoms(folder / "file", 1, 64, 1), Catch::Contains("cannot create the folder"));

  std::filesystem::create_directories(folder / "b" / "images" / "phantom_0001.png");
  CHECK_THROWS_WITH(segx::write_phantoms(folder / "b", 1, 64, 1), Catch::Contains("cannot write"));
}
