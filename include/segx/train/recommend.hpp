#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/data/survey.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/train/recipe.hpp>
#include <segx/train/training_bytes.hpp>

// From what a dataset looks like to a recipe. Rules of thumb, each with its reason; docs/planning.md lists them.

namespace segx {

/// A network that may be recommended.
struct candidate_network {
  std::string name;
  int channels = 1;
  std::int64_t parameters = 0;
  double macs_per_pixel = 0;                                  // multiply-adds of a prediction
  std::function<training_memory(const recipe&)> memory = {};  // of a training
};

/// What a training may take, and how fast the machine is.
struct planning_limits {
  double minutes = 60;
  double macs_per_second = 0;               // of a step of training
  std::optional<std::int64_t> memory = {};  // bytes that may be taken; none: not known
};

/// A setting and why it is as it is.
struct choice {
  std::string setting, value, why;
};

struct recommendation {
  segx::recipe recipe;
  std::vector<choice> choices;
  training_memory memory;  // of the training, without images
  double macs = 0;         // multiply-adds of the whole training

  double minutes(double macs_per_second) const { return macs / macs_per_second / 60; }
};

namespace detail::planning {

/// A step of training is a forward pass and two more of the same work: gradients of the values and of the weights.
inline constexpr double passes_of_step = 3;

std::string percent(double share);

inline std::string rounded(double value) { return std::to_string(std::lround(value)); }

inline int multiple_of_32(double extent) { return 32 * std::max(1, static_cast<int>(std::lround(extent / 32))); }

/// What most rules ask about.
struct traits {
  double height, width;  // medians, pixels
  double objects;        // in an image; median
  double share;          // mean share of the rarest class, over the images that have it
  std::string rarest;
  double mean, deviation;
  double with_colour;  // share of the images
  bool is_sided;       // a class is left or right
  int train;           // images

  /// Where whole objects are small, and many, what they are in has no up and down: cells, grains.
  bool has_many_objects() const { return objects >= 8; }
};

survey with_objects(survey s);

traits traits_of(const survey& s, int train);

/// Pixels of the side of a square that has as many as the network's images.
inline constexpr double usual_side = 256;
/// A network finds what is at least so many pixels large in its images.
inline constexpr double least_extent = 16;

/// Of the side of an object where an image is resized to the usual size; images that are smaller already stay so.
double extent_when_resized(const image_facts& f);

choice choose_size(const traits& t, const survey& s, recipe& r);

choice size_choice(const traits& t, const recipe& r);

choice choose_normalisation(const traits& t, recipe& r);

choice choose_epochs(const traits& t, recipe& r);

choice choose_augmentation(const traits& t, recipe& r);

choice choose_loss(const traits& t, const survey& s, recipe& r);

/// Multiply-adds of the training of one image, as often as there are epochs, and of its share of the validation.
double macs_of(const candidate_network& c, const recipe& r, int train, int val);

/// The largest network that may be trained in time and that the images are enough for; the smallest where none is.
const candidate_network& choose_network(const std::vector<candidate_network>& candidates, const traits& t, int val,
                                        const planning_limits& limits, recipe& r, choice& said);

choice choose_batch(const training_memory& memory, const traits& t, const planning_limits& limits, recipe& r);

}  // namespace detail::planning

/// Recommends how to train on a dataset of which `train` samples are trained on and `val` validated. What the rules do
/// not choose stays as it is in `given`.
recommendation recommend(const survey& s, int train, int val, const std::vector<candidate_network>& candidates,
                         const planning_limits& limits, recipe given = {});

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/recommend.hpp>
#endif
