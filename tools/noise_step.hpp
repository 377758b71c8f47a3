#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <xtensor/xtensor.hpp>

#include <segx/core/random.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/optim/adam.hpp>
#include <segx/runtime/any_network.hpp>
#include <segx/runtime/training_session.hpp>
#include <segx/runtime/weights.hpp>

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

/// A whole step of training on noise, to be timed: forward, loss, backward, Adam.
class noise_step {
 public:
  noise_step(weights<any_network> begin, int height, int width, session_options options)
      : weights_{std::move(begin)},
        network_{weights_.network(), height, width, options},
        optimizer_{{.learning_rate = 1e-4}, weights_.learnable().size()},
        images_{noise(options.batch, network_.input())},
        masks_{noise(options.batch, network_.output())},
        logits_{masks_},
        dlogits_{masks_} {
    for (float& v : masks_) { v = v > 0.5F ? 1 : 0; }
  }

  void operator()() {
    network_.forward(weights_.values(), images_, logits_, {.seed = ++seed_});
    loss_(logits_, masks_, dlogits_);
    network_.clear_gradients();
    network_.backward(weights_.values(), dlogits_);
    const std::span<float> learnable = weights_.learnable();
    optimizer_.step(learnable, network_.slopes());
  }

 private:
  static constexpr auto loss_ = bce + jaccard;

  weights<any_network> weights_;
  training_session<any_network> network_;
  adam optimizer_;
  xt::xtensor<float, 4> images_, masks_, logits_, dlogits_;
  std::uint32_t seed_ = 0;
};

}  // namespace segx::tool
