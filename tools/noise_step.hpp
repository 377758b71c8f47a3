#pragma once

#include <cstddef>
#include <cstdint>
#include <xtensor/xtensor.hpp>

#include <segx/core/random.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/train/recipe.hpp>
#include <segx/train/step.hpp>

#include "training_devices.hpp"

namespace segx::tool {

/// A batch of images of numbers in [0,1].
inline xt::xtensor<float, 4> noise(int images, shape s) {
  auto values =
      xt::xtensor<float, 4>::from_shape({static_cast<std::size_t>(images), static_cast<std::size_t>(s.channels),
                                         static_cast<std::size_t>(s.height), static_cast<std::size_t>(s.width)});
  random_generator draw{1};
  for (float& v : values) { v = static_cast<float>(draw.uniform()); }
  return values;
}

/// Whole steps of training on noise, to be timed: forward, loss, backward, Adam; all of it done when a call returns.
template <class Backend>
class noise_step {
 public:
  /// The recipe says the size and the batch, and the weights to begin with.
  noise_step(const any_network& network, const recipe& r, session_options options)
      : learner_{network, r, bce + jaccard,
                 make_optimizer("adam", static_cast<std::size_t>(network.parameter_count), {.learning_rate = rate_}),
                 options} {
    const auto nodes = network.composed(r.height, r.width);
    batch_.images = noise(r.batch, nodes.front().output);
    batch_.masks = noise(r.batch, nodes.back().output);
    for (float& v : batch_.masks) { v = v > 0.5F ? 1 : 0; }
    batch_.indices.assign(static_cast<std::size_t>(r.batch), 0);
  }

  /// A GPU goes on while the host brings the next batch. Who waits behind each step, as no training does, times more.
  static constexpr bool overlaps = requires(learner<any_network, Backend> & l) { l.wait(); };
  static constexpr int together = overlaps ? 3 : 1;

  void operator()(int steps = together) {
    for (int step = 0; step < steps; ++step) {
      learner_.add(batch_, 1, {.seed = ++seed_});
      learner_.step(rate_);
    }
    if constexpr (overlaps) { learner_.wait(); }
  }

  /// Of all that the learner holds.
  std::size_t bytes() { return learner_.bytes(); }

 private:
  static constexpr double rate_ = 1e-4;

  learner<any_network, Backend> learner_;
  batch batch_;
  std::uint32_t seed_ = 0;
};

}  // namespace segx::tool
