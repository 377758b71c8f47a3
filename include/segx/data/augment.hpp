#pragma once

#include <concepts>
#include <opencv2/core.hpp>
#include <tuple>

#include <segx/core/random.hpp>

namespace segx {

/// An image and its mask, of one size. Copies share their pixels, as cv::Mat does.
struct image_and_mask {
  cv::Mat image;  // CV_32FC1 gray or CV_32FC3 red, green, blue, in [0,1]
  cv::Mat mask;   // CV_8UC1, a label map
};

/// A random change of an image and its mask together: a pure function of both and a generator. It makes new images and
/// leaves the pixels it was given as they are (they may be a cache's), and a mask keeps its values.
template <class A>
concept augmentation = std::copy_constructible<A> && requires(const A& a, image_and_mask x, random_generator& random) {
  { a(x, random) } -> std::same_as<image_and_mask>;
};

struct no_augmentation {
  image_and_mask operator()(image_and_mask x, random_generator&) const { return x; }
};

/// Mirrors left and right with a probability. In a chest X-ray this puts the heart on the other side: right for lungs,
/// wrong for anything that tells left from right.
struct horizontal_flip {
  double probability = 0.5;

  image_and_mask operator()(image_and_mask x, random_generator& random) const {
    if (random.uniform() >= probability) return x;
    image_and_mask y;
    cv::flip(x.image, y.image, 1);
    cv::flip(x.mask, y.mask, 1);
    return y;
  }
};

/// Several augmentations, one after the other: `augment_in_turn{horizontal_flip{0.5}, yours{}}`.
template <augmentation... Parts>
struct augment_in_turn {
  std::tuple<Parts...> parts;

  explicit augment_in_turn(Parts... each) : parts(each...) {}

  image_and_mask operator()(image_and_mask x, random_generator& random) const {
    std::apply([&](const Parts&... part) { ((x = part(x, random)), ...); }, parts);
    return x;
  }
};

}  // namespace segx
