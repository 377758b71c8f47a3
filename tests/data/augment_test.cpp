#include <segx/data/augment.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <set>
#include <string>
#include <vector>

using namespace segx;

namespace {

image_and_mask small_example() {
  return {(cv::Mat_<float>(2, 3) << 0, 0.1, 0.2, 0.3, 0.4, 0.5), (cv::Mat_<unsigned char>(2, 3) << 0, 1, 1, 0, 0, 1)};
}

bool same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}
bool same(const image_and_mask& a, const image_and_mask& b) { return same(a.image, b.image) && same(a.mask, b.mask); }

image_and_mask copy_of(const image_and_mask& x) { return {x.image.clone(), x.mask.clone()}; }

image_and_mask applied(const any_augmentation& a, const image_and_mask& x, std::uint64_t seed) {
  random_generator random({seed});
  return a(x, random);
}

/// Noise with a smooth part, and a label map of three labels of which one has bit 7 set.
image_and_mask textured(int height = 61, int width = 47, int channels = 1) {
  cv::Mat image(height, width, CV_32FC1), mask(height, width, CV_8UC1);
  cv::RNG random(5);
  random.fill(image, cv::RNG::UNIFORM, 0, 1);
  cv::GaussianBlur(image, image, {}, 1.5);
  cv::normalize(image, image, 0, 1, cv::NORM_MINMAX);
  random.fill(mask, cv::RNG::UNIFORM, 0, 3);
  mask.forEach<std::uint8_t>([](std::uint8_t& label, const int*) { label = label == 2 ? 0x83 : label; });
  if (channels == 3) { cv::cvtColor(image, image, cv::COLOR_GRAY2RGB); }
  return {image, mask};
}

/// An ellipse off the middle, the image the same as the mask.
image_and_mask blob() {
  cv::Mat mask(128, 96, CV_8UC1, cv::Scalar(0)), image;
  cv::ellipse(mask, {40, 70}, {21, 13}, 30, 0, 360, 1, cv::FILLED);
  mask.convertTo(image, CV_32F);
  return {image, mask};
}

cv::Point2d centroid(const cv::Mat& mask) {
  const cv::Moments m = cv::moments(mask, true);
  return {m.m10 / m.m00, m.m01 / m.m00};
}

std::set<int> labels_of(const cv::Mat& mask) { return {mask.begin<std::uint8_t>(), mask.end<std::uint8_t>()}; }

/// Every known augmentation, with sizes that fit the examples; and the sets.
std::vector<any_augmentation> all_augmentations() {
  std::vector<any_augmentation> all;
  detail::for_each_augmentation([&](auto a) {
    if constexpr (requires { a.height; }) {
      a.height = 40;
      a.width = 52;
    }
    if constexpr (requires { a.probability; }) { a.probability = 1; }
    all.emplace_back(a);
    if constexpr (requires { a.beyond; }) {
      a.beyond = a.beyond == border::black ? border::reflect : border::black;
      all.emplace_back(a);
    }
  });
  for (const auto& ready : detail::ready_augmentations) { all.emplace_back(ready.make()); }
  return all;
}

struct darker {
  image_and_mask operator()(const image_and_mask& x, random_generator&) const { return {x.image * 0.5, x.mask}; }
};
struct lighter {
  image_and_mask operator()(const image_and_mask& x, random_generator&) const { return {x.image + 0.25, x.mask}; }
};
struct no_result {
  void operator()(const image_and_mask&, random_generator&) const {}
};

static_assert(augmentation<no_augmentation> && augmentation<horizontal_flip> && augmentation<darker>);
static_assert(augmentation<augment_in_turn> && augmentation<sometimes> && augmentation<one_of>);
static_assert(augmentation<any_augmentation> && !augmentation<no_result>);

}  // namespace

// ---- what holds for every one ----

TEST_CASE("every augmentation leaves its input as it was, and what lies around a part of a picture") {
  for (const int channels : {1, 3}) {
    const image_and_mask whole = textured(90, 80, channels);
    const image_and_mask before = copy_of(whole);
    const cv::Rect part(10, 20, 47, 61);
    for (const auto& a : all_augmentations()) {
      INFO(a.text());
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        applied(a, {whole.image(part), whole.mask(part)}, seed);
        REQUIRE(same(whole, before));
      }
    }
  }
}

TEST_CASE("a copy on its way through augmentations stays as it is when the other changes") {
  random_generator random({1});
  lazy_warp changing = brightness{0.1}(small_example(), random);
  const lazy_warp kept = changing;
  const image_and_mask given = changing, before = copy_of(given);
  const lazy_warp noisy = gaussian_noise{1}(changing, random);
  CHECK(same(given, before));
  CHECK(same(kept, before));
  CHECK_FALSE(same(noisy, before));
}

TEST_CASE("pictures that OpenCV cannot warp are refused; mirrored and cut they are") {
  random_generator random({1});
  const image_and_mask wide{cv::Mat(8, 40000, CV_32FC1, cv::Scalar(0.5)), cv::Mat(8, 40000, CV_8UC1, cv::Scalar(1))};
  const auto pixels = [](const lazy_warp& x) { return static_cast<image_and_mask>(x).image.cols; };
  CHECK(pixels(horizontal_flip{1}(wide, random)) == 40000);
  const lazy_warp window = random_crop{4, 64}(wide, random);
  CHECK(pixels(window) == 64);
  const auto turned = [&](const lazy_warp& x) { return pixels(rotate{10}(x, random)); };
  CHECK_THROWS_WITH(turned(wide), Catch::Matchers::Contains("40000 x 8 pixels cannot be turned"));
  CHECK_THROWS_WITH(turned(window), Catch::Matchers::Contains("40000 x 8 pixels cannot be turned"));
}

TEST_CASE("every augmentation: the same seed gives the same picture, other seeds others") {
  for (const auto& a : all_augmentations()) {
    INFO(a.text());
    int different = 0;
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const image_and_mask x = applied(a, textured(200, 160), seed);
      CHECK(same(x, applied(a, textured(200, 160), seed)));
      different += !same(x, applied(a, textured(200, 160), seed + 100));
    }
    const bool may_differ = a.text() != "none" && !a.text().starts_with("flip(1") &&
                            !a.text().starts_with("vertical_flip(1") && !a.text().starts_with("pad");
    CHECK(different >= (may_differ ? 3 : 0));
    if (!may_differ) { CHECK(different == 0); }
  }
}

TEST_CASE("every augmentation: masks get no label that they had not") {
  for (const auto& a : all_augmentations()) {
    INFO(a.text());
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      image_and_mask x = textured();
      x.mask.setTo(1, x.mask == 0);  // without label 0, which only a black border brings
      std::set<int> allowed = labels_of(x.mask);
      if (a.text().find("black") != std::string::npos) { allowed.insert(0); }
      for (const int label : labels_of(applied(a, x, seed).mask)) { CHECK(allowed.contains(label)); }
    }
  }
}

TEST_CASE("every augmentation: image and mask have one size, the promised one, and their types") {
  for (const int channels : {1, 3}) {
    for (const auto& a : all_augmentations()) {
      INFO(a.text());
      const image_and_mask y = applied(a, textured(61, 47, channels), 3);
      cv::Size promised(47, 61);
      if (a.text().starts_with("pad")) { promised = {52, 61}; }
      if (a.text().starts_with("crop") || a.text().starts_with("foreground_crop")) { promised = {47, 40}; }
      CHECK(y.image.size() == promised);
      CHECK(y.mask.size() == promised);
      CHECK(y.image.type() == CV_32FC(channels));
      CHECK(y.mask.type() == CV_8UC1);
    }
  }
}

TEST_CASE("every augmentation keeps values in [0,1]") {
  for (const auto& a : all_augmentations()) {
    INFO(a.text());
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      CHECK(cv::checkRange(applied(a, textured(61, 47, 3), seed).image, true, nullptr, 0, 1.0000001));
    }
  }
}

TEST_CASE("every augmentation moves image and mask together, to half a pixel") {
  std::vector<any_augmentation> all = all_augmentations();
  all.push_back(parse_augmentation("flip(0.5),affine(0,0.5,1.5,0.1,0,black),sometimes(0.5,perspective(0.1))"));
  REQUIRE(paper_augmentation().text().starts_with("flip(0.5),affine(0,0.5,1.5,0.1,0,black),"));
  for (const auto& a : all) {
    if (a.text() == paper_augmentation().text()) {
      continue;  // equalised edges are no longer in the middle of their ramps: what moves them stands last
    }
    INFO(a.text());
    const image_and_mask x = blob();
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const image_and_mask y = applied(a, x, seed);
      if (cv::countNonZero(y.mask) == 0) {
        continue;  // cropped away
      }
      // What changes values changes them without knowing the mask: the image is compared by its own threshold.
      double low = 0, high = 0;
      cv::minMaxLoc(y.image, &low, &high);
      if (a.text().starts_with("cut_out")) {
        CHECK(same(y.mask, x.mask));
        continue;
      }
      const cv::Mat seen = y.image > 0.5 * (low + high);
      const cv::Point2d apart = centroid(seen) - centroid(y.mask);
      CHECK(std::hypot(apart.x, apart.y) < 0.5);
      CHECK(cv::countNonZero(seen != (y.mask > 0)) <= 0.06 * cv::countNonZero(y.mask) + 12);
    }
  }
}

TEST_CASE("every augmentation treats three equal channels as gray, except that noise differs") {
  for (const auto& a : all_augmentations()) {
    if (a.text().find("noise") != std::string::npos) { continue; }
    INFO(a.text());
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      const image_and_mask gray = applied(a, textured(), seed), colour = applied(a, textured(61, 47, 3), seed);
      std::vector<cv::Mat> channels;
      cv::split(colour.image, channels);
      CHECK(same(gray.mask, colour.mask));
      for (const cv::Mat& channel : channels) { CHECK(cv::norm(channel, gray.image, cv::NORM_INF) < 2e-3); }
    }
  }
}

// ---- moves ----

TEST_CASE("moves in a row are done at once: there and back is where it was") {
  const image_and_mask x = textured();
  const cv::Matx33d turn = detail::about_middle(detail::rotation(33), x.image.size());
  lazy_warp there(x);
  there.move(turn, border::reflect);
  lazy_warp there_and_back = there;
  there_and_back.move(turn.inv(), border::reflect);
  const image_and_mask once = there_and_back;
  CHECK(cv::norm(once.image, x.image, cv::NORM_INF) < 1e-6);
  CHECK(same(once.mask, x.mask));

  lazy_warp twice((image_and_mask(there)));
  twice.move(turn.inv(), border::reflect);
  CHECK(cv::norm(image_and_mask(twice).image, x.image, cv::NORM_INF) > 0.05);  // two interpolations, and corners lost
}

TEST_CASE("a move shows what went where the matrix says") {
  const image_and_mask x = textured();
  lazy_warp moved(x);
  moved.move({0, 1, 5, -1, 0, 46, 0, 0, 1}, {70, 50}, border::black);  // a quarter turn: (x, y) goes to (y + 5, 46 − x)
  const image_and_mask y = moved;
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 70; ++j) {
      const cv::Point from(46 - i, j - 5);
      const bool inside = cv::Rect(0, 0, 47, 61).contains(from);
      REQUIRE(y.image.at<float>(i, j) == Approx(inside ? x.image.at<float>(from) : 0).margin(1e-6));
      REQUIRE(y.mask.at<std::uint8_t>(i, j) == (inside ? x.mask.at<std::uint8_t>(from) : 0));
    }
  }
}

TEST_CASE("whole pixels move as they are, and beyond the edge lies what the border says") {
  const image_and_mask x = textured();
  const auto beyond = GENERATE(border::reflect, border::black);
  const int left = GENERATE(-9, 0, 13), top = GENERATE(-70, -4, 30);
  const int mirror_x = GENERATE(1, -1), mirror_y = GENERATE(1, -1);
  lazy_warp moved(x);
  moved.move({double(mirror_x), 0, double(left), 0, double(mirror_y), double(top), 0, 0, 1}, {33, 80}, beyond);
  const image_and_mask y = moved;
  const auto reflected = [](int at, int extent) {
    while (at < 0 || at >= extent) { at = at < 0 ? -at : 2 * (extent - 1) - at; }
    return at;
  };
  int wrong = 0;
  for (int i = 0; i < 80; ++i) {
    for (int j = 0; j < 33; ++j) {
      cv::Point from((j - left) * mirror_x, (i - top) * mirror_y);
      const bool inside = cv::Rect(0, 0, 47, 61).contains(from);
      from = {reflected(from.x, 47), reflected(from.y, 61)};
      const bool black = beyond == border::black && !inside;
      wrong += y.image.at<float>(i, j) != (black ? 0 : x.image.at<float>(from));
      wrong += y.mask.at<std::uint8_t>(i, j) != (black ? 0 : x.mask.at<std::uint8_t>(from));
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a displacement is added to the moves before it") {
  const image_and_mask x = textured();
  lazy_warp moved(x);
  moved.move(detail::translation(4, -3), border::black);
  moved.displace(cv::Mat(61, 47, CV_32FC2, cv::Scalar(2, 5)), border::black);  // shows what is at (+2, +5)
  lazy_warp expected(x);
  expected.move(detail::translation(2, -8), border::black);
  CHECK(cv::norm(image_and_mask(moved).image, image_and_mask(expected).image, cv::NORM_INF) < 1e-6);
  CHECK(same(image_and_mask(moved).mask, image_and_mask(expected).mask));
}

TEST_CASE("borders are the same in image and mask: all foreground stays so, black is background") {
  const cv::Mat ones(64, 64, CV_8UC1, cv::Scalar(1));
  const image_and_mask full{cv::Mat(64, 64, CV_32FC1, cv::Scalar(1)), ones};
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    CHECK(same(applied(affine{.degrees = 40, .part = 0.3}, full, seed).mask, ones));
    CHECK(same(applied(perspective{0.2}, full, seed).mask, ones));
    CHECK(same(applied(elastic{0.1}, full, seed).mask, ones));
    for (const any_augmentation& a :
         {any_augmentation(affine{.degrees = 40, .part = 0.3, .beyond = border::black}),
          any_augmentation(perspective{0.2, border::black}), any_augmentation(elastic{0.1, 3, border::black})}) {
      const image_and_mask y = applied(a, full, seed);
      CHECK(cv::countNonZero(y.mask) < 64 * 64);
      CHECK(cv::countNonZero((y.image > 0.5) != (y.mask > 0)) < 40);
    }
  }
}

// ---- one by one ----

TEST_CASE("horizontal_flip mirrors image and mask together") {
  const image_and_mask x = small_example(), y = applied(horizontal_flip{1}, x, 1), z = applied(vertical_flip{1}, x, 1);
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      CHECK(y.image.at<float>(i, j) == x.image.at<float>(i, 2 - j));
      CHECK(y.mask.at<unsigned char>(i, j) == x.mask.at<unsigned char>(i, 2 - j));
      CHECK(z.image.at<float>(i, j) == x.image.at<float>(1 - i, j));
      CHECK(z.mask.at<unsigned char>(i, j) == x.mask.at<unsigned char>(1 - i, j));
    }
  }
}

TEST_CASE("flip twice is identity") {
  random_generator random({1});
  const horizontal_flip flip{1};
  CHECK(same(flip(flip(small_example(), random), random), small_example()));
}

TEST_CASE("horizontal_flip flips as often as it says") {
  random_generator random({5});
  const double probability = GENERATE(0.0, 0.3, 0.5, 1.0);
  int flipped = 0;
  for (int k = 0; k < 2000; ++k) {
    flipped += !same(horizontal_flip{probability}(small_example(), random), small_example());
  }
  CHECK(flipped / 2000.0 == Approx(probability).margin(0.04));
}

TEST_CASE("rotate, scale and shift stay within their limits and use them") {
  // Two dots: their distance, direction and middle tell scale, angle and shift.
  const auto dots = [] {
    image_and_mask x{cv::Mat(201, 201, CV_32FC1, cv::Scalar(0)), cv::Mat(201, 201, CV_8UC1, cv::Scalar(0))};
    cv::circle(x.mask, {70, 100}, 4, 1, cv::FILLED);
    cv::circle(x.mask, {130, 100}, 4, 2, cv::FILLED);
    return x;
  };
  struct found {
    double degrees, factor, x, y;
  };
  const auto measure = [&](const any_augmentation& a, std::uint64_t seed) {
    const cv::Mat mask = applied(a, dots(), seed).mask;
    const cv::Point2d left = centroid(mask == 1), right = centroid(mask == 2), between = right - left;
    const cv::Point2d middle = 0.5 * (left + right);
    return found{std::atan2(-between.y, between.x) * 180 / 3.14159265, std::hypot(between.x, between.y) / 60,
                 (middle.x - 100) / 201, (middle.y - 100) / 201};
  };
  double most_degrees = 0, least = 9, most = 0, farthest = 0, sum = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const found turned = measure(rotate{15}, seed), scaled = measure(scale{0.5, 2, border::black}, seed),
                shifted = measure(shift{0.2}, seed), all = measure(affine{15, 0.5, 1.5, 0.1, 0, border::black}, seed);
    CHECK(std::abs(turned.degrees) < 15.5);
    CHECK(turned.factor == Approx(1).margin(0.02));
    CHECK((scaled.factor > 0.48 && scaled.factor < 2.05));
    CHECK(std::abs(scaled.degrees) < 0.8);
    CHECK((std::abs(shifted.x) < 0.203 && std::abs(shifted.y) < 0.203));
    CHECK((std::abs(all.degrees) < 16 && std::abs(all.x) < 0.105 && all.factor > 0.47 && all.factor < 1.55));
    most_degrees = std::max(most_degrees, std::abs(turned.degrees));
    least = std::min(least, scaled.factor);
    most = std::max(most, scaled.factor);
    farthest = std::max(farthest, std::abs(shifted.y));
    sum += std::log(scaled.factor);
  }
  CHECK(most_degrees > 13);
  CHECK(least < 0.56);
  CHECK(most > 1.8);
  CHECK(farthest > 0.17);
  CHECK(std::abs(sum / 60) < 0.2);  // as often smaller as larger
}

TEST_CASE("elastic displaces smoothly, by a deviation of its strength") {
  // An image of coordinates shows where each pixel came from.
  cv::Mat from(200, 200, CV_32FC3);
  from.forEach<cv::Vec3f>([](cv::Vec3f& v, const int* at) {
    v = {static_cast<float>(at[1]) / 200, static_cast<float>(at[0]) / 200, 0};
  });
  double sum = 0, largest_step = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const cv::Mat y = applied(elastic{0.03, 4}, {from, cv::Mat(200, 200, CV_8UC1, cv::Scalar(0))}, seed).image;
    const auto moved = [&](int i, int j) { return 200 * (y.at<cv::Vec3f>(i, j)[0] - from.at<cv::Vec3f>(i, j)[0]); };
    for (int i = 30; i < 170; i += 10) {
      for (int j = 30; j < 170; j += 10) {
        sum += moved(i, j) * moved(i, j);
        largest_step = std::max<double>(largest_step, std::abs(moved(i, j) - moved(i, j + 1)));
      }
    }
  }
  const double deviation = std::sqrt(sum / (30 * 14 * 14));
  CHECK((deviation > 3 && deviation < 7.5));  // 6 pixels at the nodes, less between them
  CHECK(largest_step < 1);                    // neighbours stay in order
}

TEST_CASE("pad_if_smaller puts what is smaller into the middle and leaves the rest") {
  const image_and_mask x = textured(20, 30);
  const image_and_mask y = applied(pad_if_smaller{26, 33}, x, 0);
  CHECK(y.image.size() == cv::Size(33, 26));
  CHECK(same(y.image(cv::Rect(1, 3, 30, 20)), x.image));
  CHECK(same(y.mask(cv::Rect(1, 3, 30, 20)), x.mask));
  CHECK(cv::countNonZero(y.image) == cv::countNonZero(x.image));
  CHECK(same(applied(pad_if_smaller{10, 30}, x, 0), x));
}

TEST_CASE("random_crop takes every window, each as it is") {
  const image_and_mask x = textured(5, 6);
  std::set<std::pair<int, int>> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const image_and_mask y = applied(random_crop{3, 4}, x, seed);
    for (int top = 0; top <= 2; ++top) {
      for (int left = 0; left <= 2; ++left) {
        const cv::Rect window(left, top, 4, 3);
        if (same(y, {x.image(window), x.mask(window)})) { seen.emplace(top, left); }
      }
    }
  }
  CHECK(seen.size() == 9);
}

TEST_CASE("foreground_crop contains foreground as often as it says, wherever it is") {
  image_and_mask x{cv::Mat(100, 100, CV_32FC1, cv::Scalar(0)), cv::Mat(100, 100, CV_8UC1, cv::Scalar(0))};
  const auto pixel = GENERATE(cv::Point(0, 0), cv::Point(57, 40), cv::Point(99, 99));
  x.mask.at<std::uint8_t>(pixel) = 0x80;
  int with = 0, without_chance = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    with += cv::countNonZero(applied(foreground_crop{10, 10, 0.7}, x, seed).mask);
    without_chance += cv::countNonZero(applied(foreground_crop{10, 10, 0}, x, seed).mask);
    CHECK(cv::countNonZero(applied(foreground_crop{10, 10, 1}, x, seed).mask) == 1);
  }
  CHECK(with / 400.0 == Approx(0.7).margin(0.08));
  CHECK(without_chance < 20);
  x.mask.setTo(0);
  CHECK(applied(foreground_crop{10, 10, 1}, x, 0).mask.size() == cv::Size(10, 10));
}

TEST_CASE("what changes values leaves the mask, and changes values as it says") {
  const image_and_mask x = textured();
  const cv::Mat& image = x.image;
  const double mean = cv::mean(image)[0];
  const auto deviation = [](const cv::Mat& m) {
    cv::Scalar mean_of, deviation_of;
    cv::meanStdDev(m, mean_of, deviation_of);
    return deviation_of[0];
  };
  const auto inner_difference = [&](const cv::Mat& y) {  // where nothing was clamped
    const cv::Mat inside = (y > 0.001) & (y < 0.999);
    cv::Scalar mean_of, deviation_of;
    cv::meanStdDev(y - image, mean_of, deviation_of, inside);
    return std::pair{mean_of[0], deviation_of[0]};
  };
  double brightest = 0, noisiest = 0, steepest = 1, softest = 1, sharpest = 1;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    for (const any_augmentation& a :
         {any_augmentation(brightness{}), any_augmentation(contrast{}), any_augmentation(gamma_curve{}),
          any_augmentation(clahe{}), any_augmentation(gaussian_noise{}), any_augmentation(blur{}),
          any_augmentation(sharpen{}), any_augmentation(cut_out{})}) {
      CHECK(same(applied(a, x, seed).mask, x.mask));
    }

    const auto [added, unequal] = inner_difference(applied(brightness{0.2}, x, seed).image);
    CHECK((std::abs(added) < 0.2 && unequal < 1e-6));
    brightest = std::max(brightest, std::abs(added));

    const cv::Mat contrasted = applied(contrast{0.3}, x, seed).image;
    const double factor = deviation(contrasted) / deviation(image);
    CHECK((factor > 0.69 && factor < 1.31));
    CHECK(cv::mean(contrasted)[0] == Approx(mean).margin(0.01));
    steepest = std::max(steepest, factor);

    const cv::Mat powered = applied(gamma_curve{0.5, 2}, x, seed).image;
    const double power = std::log(powered.at<float>(30, 20)) / std::log(image.at<float>(30, 20));
    CHECK((power > 0.499 && power < 2.001));
    CHECK(powered.at<float>(40, 10) == Approx(std::pow(image.at<float>(40, 10), power)).epsilon(1e-3));

    const auto [bias, noise] = inner_difference(applied(gaussian_noise{0.1}, x, seed).image);
    CHECK((std::abs(bias) < 0.012 && noise < 0.105));
    noisiest = std::max(noisiest, noise);

    const double softened = deviation(applied(blur{3}, x, seed).image) / deviation(image);
    CHECK(softened <= 1.0001);
    softest = std::min(softest, softened);
    const double sharpened = deviation(applied(sharpen{1}, x, seed).image) / deviation(image);
    CHECK(sharpened >= 0.9999);
    sharpest = std::max(sharpest, sharpened);
  }
  CHECK(brightest > 0.17);
  CHECK(noisiest > 0.08);
  CHECK(steepest > 1.2);
  CHECK(softest < 0.6);
  CHECK(sharpest > 1.15);
}

TEST_CASE("clahe raises contrast where there is little") {
  const image_and_mask x = textured(64, 64);
  image_and_mask flat{x.image * 0.1 + 0.4, x.mask};
  cv::Scalar mean, before, after;
  cv::meanStdDev(flat.image, mean, before);
  cv::meanStdDev(applied(clahe{20}, flat, 2).image, mean, after);
  CHECK(after[0] > 1.5 * before[0]);
}

TEST_CASE("cut_out hides rectangles within its limits behind the mean") {
  const image_and_mask x = textured(100, 100);
  const double mean = cv::mean(x.image)[0];
  int largest = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const cv::Mat y = applied(cut_out{2, 0.3}, x, seed).image;
    const cv::Mat changed = y != x.image;
    const int hidden = cv::countNonZero(changed);
    CHECK(hidden <= 2 * 30 * 30);
    CHECK(cv::countNonZero(changed & (cv::abs(y - mean) > 1e-4)) == 0);
    largest = std::max(largest, hidden);
  }
  CHECK(largest > 700);
}

// ---- composition ----

TEST_CASE("no_augmentation changes nothing") {
  CHECK(same(applied(no_augmentation{}, small_example(), 1), small_example()));
}

TEST_CASE("augmentations run in the order in which they are written, yours among them") {
  const auto value = [](const any_augmentation& a) { return applied(a, small_example(), 1).image.at<float>(1, 1); };
  CHECK(value(augment_in_turn(darker{}, lighter{})) == Approx(0.45));
  CHECK(value(augment_in_turn(lighter{}, darker{})) == Approx(0.325));
  CHECK(same(applied(augment_in_turn(horizontal_flip{1}, horizontal_flip{1}), small_example(), 1), small_example()));
  CHECK(same(applied(augment_in_turn(), small_example(), 1), small_example()));
}

TEST_CASE("sometimes applies its parts as often as it says, all of them or none") {
  int both = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const float value = applied(sometimes(0.3, darker{}, lighter{}), small_example(), seed).image.at<float>(1, 1);
    if (value == Approx(0.45)) {
      ++both;
    } else {
      CHECK(value == 0.4F);
    }
  }
  CHECK(both / 1000.0 == Approx(0.3).margin(0.05));
  CHECK_THROWS_WITH(sometimes(1.5, darker{}), "sometimes: a probability must lie between 0 and 1, not 1.5");
}

TEST_CASE("one_of applies exactly one, each equally often") {
  int dark = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const float value = applied(one_of(darker{}, lighter{}), small_example(), seed).image.at<float>(1, 1);
    if (value == Approx(0.2)) {
      ++dark;
    } else {
      CHECK(value == Approx(0.65));
    }
  }
  CHECK(dark / 1000.0 == Approx(0.5).margin(0.05));
  CHECK_THROWS_WITH(one_of(std::vector<any_augmentation>{}), "one_of: there is nothing to choose from");
}

TEST_CASE("the examples of docs/augmentation.md") {
  const segx::augment_in_turn mine{segx::horizontal_flip{0.5}, segx::rotate{7}, segx::sometimes{0.3, segx::blur{1}},
                                   segx::one_of{segx::brightness{0.2}, segx::gamma_curve{0.8, 1.25}}};
  CHECK(mine.text() == "flip(0.5),rotate(7,reflect),sometimes(0.3,blur(1)),one_of(brightness(0.2),gamma(0.8,1.25))");

  const auto darker = [](const segx::image_and_mask& x, segx::random_generator& random) {
    return segx::image_and_mask{x.image * (1 - 0.5 * random.uniform()), x.mask};
  };
  const segx::augment_in_turn with_mine{segx::horizontal_flip{}, darker};
  CHECK(with_mine.text() == "flip(0.5),custom");
  CHECK(cv::mean(applied(with_mine, textured(), 1).image)[0] < cv::mean(textured().image)[0]);

  const std::string chest =
      "flip,rotate(10),scale(0.9,1.1),shift(0.05),brightness(0.1),contrast(0.2),sometimes(0.5,gamma(0.8,1.25)),"
      "sometimes(0.3,blur(1)),sometimes(0.3,noise(0.02))";
  CHECK(parse_augmentation(chest).text() == chest_xray_augmentation().text());
  const std::string paper =
      "flip,affine(0,0.5,1.5,0.1,0,black),sometimes(0.2,noise(0.05)),sometimes(0.5,perspective(0.1)),"
      "sometimes(0.9,one_of(clahe(4),brightness(0.2),gamma(0.8,1.2))),sometimes(0.9,one_of(sharpen,blur)),"
      "sometimes(0.9,contrast)";
  CHECK(parse_augmentation(paper).text() == paper_augmentation().text());
}
