#include <segx/data/augment.hpp>

#include <catch2/catch.hpp>
#include <opencv2/core.hpp>

using namespace segx;

namespace {

image_and_mask example() {
  return {(cv::Mat_<float>(2, 3) << 0, 0.1, 0.2, 0.3, 0.4, 0.5), (cv::Mat_<unsigned char>(2, 3) << 0, 1, 1, 0, 0, 1)};
}

bool same(const image_and_mask& a, const image_and_mask& b) {
  return cv::norm(a.image, b.image, cv::NORM_INF) == 0 && cv::norm(a.mask, b.mask, cv::NORM_INF) == 0;
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
static_assert(augmentation<augment_in_turn<horizontal_flip, darker>>);
static_assert(!augmentation<no_result>);

}  // namespace

TEST_CASE("horizontal_flip mirrors image and mask together and leaves its input as it was") {
  random_generator random({1});
  const image_and_mask x = example();
  const image_and_mask y = horizontal_flip{1}(x, random);
  CHECK(same(x, example()));
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j) {
      CHECK(y.image.at<float>(i, j) == x.image.at<float>(i, 2 - j));
      CHECK(y.mask.at<unsigned char>(i, j) == x.mask.at<unsigned char>(i, 2 - j));
    }
}

TEST_CASE("flip twice is identity") {
  random_generator random({1});
  const horizontal_flip flip{1};
  CHECK(same(flip(flip(example(), random), random), example()));
}

TEST_CASE("horizontal_flip flips as often as it says") {
  random_generator random({5});
  const double probability = GENERATE(0.0, 0.3, 0.5, 1.0);
  int flipped = 0;
  for (int k = 0; k < 2000; ++k) flipped += !same(horizontal_flip{probability}(example(), random), example());
  CHECK(flipped / 2000.0 == Approx(probability).margin(0.04));
}

TEST_CASE("no_augmentation changes nothing") {
  random_generator random({1});
  CHECK(same(no_augmentation{}(example(), random), example()));
}

TEST_CASE("augmentations run in the order in which they are written") {
  random_generator random({1});
  const float darker_first = augment_in_turn(darker{}, lighter{})(example(), random).image.at<float>(1, 1);
  const float lighter_first = augment_in_turn(lighter{}, darker{})(example(), random).image.at<float>(1, 1);
  CHECK(darker_first == Approx(0.45));
  CHECK(lighter_first == Approx(0.325));
  CHECK(same(augment_in_turn(horizontal_flip{1}, horizontal_flip{1})(example(), random), example()));
  CHECK(same(augment_in_turn<>()(example(), random), example()));
}
