#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/data/survey.hpp>
#include <segx/train/recipe.hpp>

// From what a dataset looks like to a recipe. Rules of thumb, each with its reason; docs/planning.md lists them.

namespace segx {

/// A network that may be recommended.
struct candidate_network {
  std::string name;
  int channels = 1;
  std::int64_t parameters = 0;
  double macs_per_pixel = 0;                              // multiply-adds of a prediction
  std::function<std::int64_t(const recipe&)> bytes = {};  // of a training, without images
  // Multiply-adds a second of a step of training at a height and width: asked of few candidates, since it may measure.
  std::function<double(int height, int width)> macs_per_second = {};
};

/// What a training may take.
struct planning_limits {
  double minutes = 60;
  std::optional<std::int64_t> memory = {};  // bytes that may be taken; none: not known
};

/// A setting and why it is as it is.
struct choice {
  std::string setting, value, why;
};

struct recommendation {
  segx::recipe recipe;
  std::vector<choice> choices;
  std::int64_t bytes = 0;  // of the training, without images
  double macs = 0;         // multiply-adds of the whole training
  double macs_per_second = 0;

  double minutes() const { return macs / macs_per_second / 60; }
};

namespace detail::planning {

/// A step of training is a forward pass and two more of the same work: gradients of the values and of the weights.
inline constexpr double passes_of_step = 3;

}  // namespace detail::planning

/// Recommends how to train on a dataset of which `train` samples are trained on and `val` validated. What the rules do
/// not choose stays as it is in `given`.
recommendation recommend(const survey& s, int train, int val, const std::vector<candidate_network>& candidates,
                         const planning_limits& limits, recipe given = {});

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/recommend.hpp>
#endif
