#include <segx/data/survey.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

using Catch::Matchers::Contains;
using namespace segx;

namespace {

/// Images of 40 x 60 pixels with two objects of 10 x 10 in each mask.
class drawn_folder : public temporary_folder {
 public:
  drawn_folder() {
    std::filesystem::create_directories(path() / "images");
    std::filesystem::create_directories(path() / "masks");
  }

  /// Random values between `low` and `high`; without a seed of its own the image is the same.
  static cv::Mat image(int seed, int low = 60, int high = 200, cv::Size size = {60, 40}) {
    cv::Mat values(size, CV_8UC1);
    cv::RNG random(static_cast<std::uint64_t>(seed));
    random.fill(values, cv::RNG::UNIFORM, low, high);
    return values;
  }
  static cv::Mat mask(cv::Size size = {60, 40}) {
    cv::Mat m = cv::Mat::zeros(size, CV_8UC1);
    m(cv::Rect(5, 5, 10, 10)).setTo(255);
    m(cv::Rect(30, 20, 10, 10)).setTo(255);
    m.at<std::uint8_t>(0, 59) = 255;  // a speck
    return m;
  }
  void add(const std::string& stem, const cv::Mat& image, const cv::Mat& mask) const {
    cv::imwrite((path() / "images" / (stem + ".png")).string(), image);
    cv::imwrite((path() / "masks" / (stem + ".png")).string(), mask);
  }
  survey look() const { return survey_of(scan_folder(path())); }
};

/// What is odd about a sample, joined.
std::string oddities(const survey& s, int index) {
  std::string all;
  for (const odd_image& o : s.odd) {
    if (o.index == index) { all += o.why + "; "; }
  }
  return all;
}

}  // namespace

TEST_CASE("a survey measures sizes, values, classes and objects") {
  const drawn_folder folder;
  cv::Mat deep;
  drawn_folder::image(1).convertTo(deep, CV_16U, 257);
  folder.add("a", deep, drawn_folder::mask());
  cv::Mat colour(40, 60, CV_8UC3, cv::Scalar(20, 100, 200));
  folder.add("b", colour, drawn_folder::mask());
  cv::Mat gray_in_colour;
  cv::cvtColor(drawn_folder::image(2), gray_in_colour, cv::COLOR_GRAY2BGR);
  folder.add("c", gray_in_colour, drawn_folder::mask());

  const survey s = folder.look();
  REQUIRE(s.images.size() == 3);
  CHECK(s.images[0].bits == 16);
  CHECK(s.images[1].bits == 8);
  CHECK_FALSE(s.images[0].colour);
  CHECK(s.images[1].colour);
  CHECK_FALSE(s.images[2].colour);
  for (const image_facts& f : s.images) {
    CHECK(f.height == 40);
    CHECK(f.width == 60);
    CHECK(f.shares == std::vector{201.0 / 2400});
    CHECK(f.objects == 2);
    CHECK(f.object_extent == 10);
  }
  CHECK(s.images[0].mean == Approx(130.0 / 255).margin(0.02));
  CHECK(s.images[0].deviation == Approx(140 / std::sqrt(12.0) / 255).margin(0.02));
  CHECK(s.images[0].darkest == Approx(60.0 / 255).margin(0.01));
  CHECK(s.images[0].brightest == Approx(199.0 / 255).margin(0.01));
  CHECK(s.median([](const image_facts& f) { return f.bits; }) == 8);
  CHECK(s.mean([](const image_facts& f) { return f.width; }) == 60);
  CHECK(s.odd.size() == 1);
  CHECK_THAT(oddities(s, 1), Contains("constant"));
}

TEST_CASE("a survey names odd images, and no others") {
  const drawn_folder folder;
  for (int k = 0; k < 30; ++k) {
    folder.add("plain" + std::to_string(10 + k), drawn_folder::image(k), drawn_folder::mask());
  }
  folder.add("u_bright", drawn_folder::image(40, 252, 256), drawn_folder::mask());
  folder.add("v_constant", cv::Mat(40, 60, CV_8UC1, cv::Scalar(90)), drawn_folder::mask());
  folder.add("w_dark", drawn_folder::image(41, 0, 16), drawn_folder::mask());
  folder.add("x_empty", drawn_folder::image(42), cv::Mat::zeros(40, 60, CV_8UC1));
  folder.add("y_long", drawn_folder::image(43, 60, 200, {160, 40}), drawn_folder::mask({160, 40}));
  folder.add("z_again", drawn_folder::image(3), drawn_folder::mask());

  const survey s = folder.look();
  CHECK_THAT(oddities(s, 30), Contains("constant"));  // 252 to 255 is within 2 % of white
  CHECK_THAT(oddities(s, 31), Contains("constant"));
  CHECK_THAT(oddities(s, 32), Contains("very dark"));
  CHECK_THAT(oddities(s, 33), Contains("its mask is empty"));
  CHECK_THAT(oddities(s, 34), Contains("of another shape than most: 160 x 40"));
  CHECK_THAT(oddities(s, 35), Contains("the same pixels as plain13"));
  CHECK(s.odd.size() == 6);
}

TEST_CASE("a collection of dark images has none that is oddly dark") {
  const drawn_folder folder;
  for (int k = 0; k < 4; ++k) {
    folder.add("s" + std::to_string(k), drawn_folder::image(k, 0, 16), drawn_folder::mask());
  }
  CHECK(folder.look().odd.empty());
}

TEST_CASE("a survey of several classes has a share for each, without the background") {
  const drawn_folder folder;
  cv::Mat labels = cv::Mat::zeros(40, 60, CV_8UC1);
  labels(cv::Rect(0, 0, 60, 10)).setTo(1);
  labels(cv::Rect(0, 20, 30, 10)).setTo(2);
  folder.add("a", drawn_folder::image(1), labels);
  const survey s = survey_of(
      scan_folder(folder.path(), {.labels = label_kind::exclusive, .classes = {"background", "lung", "heart"}}));
  CHECK(s.classes == std::vector<std::string>{"lung", "heart"});
  CHECK(s.images[0].shares == std::vector{0.25, 0.125});
  CHECK(s.images[0].objects == 2);
}
