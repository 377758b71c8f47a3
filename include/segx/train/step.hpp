#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/finite.hpp>
#include <segx/core/joined.hpp>
#include <segx/data/loader.hpp>
#include <segx/io/checkpoint.hpp>
#include <segx/losses/any_loss.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/optim/clip.hpp>
#include <segx/optim/moving_average.hpp>
#include <segx/runtime/training_session.hpp>
#include <segx/runtime/weights.hpp>
#include <segx/train/evaluate.hpp>
#include <segx/train/first_weights.hpp>
#include <segx/train/parameter_groups.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// Values that are not finite turned up in a training; the text names the layer.
struct divergence : error {
  explicit divergence(const std::string& layer)
      : error{joined({"values that are not finite, first in the layer \"", layer.empty() ? "loss" : layer,
                      "\"; lower the learning rate, or look at the data"})} {}
};

namespace detail {

/// Images of one pass of the validation: a GPU is not filled by one; on the CPU more would only take more memory.
inline int judged_at_once_on_gpu(const recipe& r) { return std::min(r.batch, 8); }

/// What a checkpoint has of a learner on every backend.
template <class Network>
void save_learned(checkpoint& to, const weights<Network>& learned, any_optimizer& optimizer,
                  const std::optional<weights<Network>>& average) {
  to.weights.assign(learned.values().begin(), learned.values().end());
  to.optimizer.assign(optimizer.state().begin(), optimizer.state().end());
  if (average) { to.average.assign(average->values().begin(), average->values().end()); }
  to.set("optimizer_steps", optimizer.steps());
}

/// Bytes of what a learner holds beside its session, and of a checkpoint while it is written.
template <class Network>
std::size_t bytes_beside(const weights<Network>& learned, any_optimizer& optimizer,
                         const std::optional<weights<Network>>& average) {
  const auto weights = static_cast<std::int64_t>(learned.values().size());
  const auto moments = static_cast<std::int64_t>(optimizer.state().size());
  return sizeof(float) * static_cast<std::size_t>((average ? 2 : 1) * weights + moments +
                                                  values_while_writing(weights, moments, average.has_value()));
}

template <class Network>
void restore_learned(const checkpoint& from, weights<Network>& learned, any_optimizer& optimizer,
                     std::optional<weights<Network>>& average) {
  const auto copy = [](const char* what, const std::vector<float>& values, std::span<float> to) {
    if (values.size() != to.size()) {
      fail({"holds ", values.size(), " values of the ", what, ", expected ", to.size()});
    }
    std::copy(values.begin(), values.end(), to.begin());
  };
  copy("weights", from.weights, learned.values());
  copy("optimizer", from.optimizer, optimizer.state());
  copy("average", from.average, average ? average->values() : std::span<float>{});
  optimizer.set_steps(from.get<std::int64_t>("optimizer_steps"));
}

}  // namespace detail

/// A network that learns, one step after the other. A step is made of one batch or more:
///
///   learner.add(batch, share, dropout);   …   learner.step(learning_rate);
template <class Network, class Backend = cpu>
class learner {
 public:
  /// The batch of `how` is the recipe's.
  [[gnu::cold]] learner(const Network& network, const recipe& r, any_loss loss, any_optimizer optimizer,
                        session_options how)
      : clip_norm_{r.clip_norm},
        clip_value_{r.clip_value},
        decay_of_average_{r.average},
        loss_{std::move(loss)},
        optimizer_{std::move(optimizer)},
        weights_{first_weights(r, network)},
        groups_{parameter_groups_of(weights_, r.learning_rate_factors, r.decay_biases)},
        session_{network, r.height, r.width, {r.batch, how.threads, how.numbers}} {
    expect_parts(weights_, r);
    optimizer_.set_groups(groups_);
    const std::vector<std::string> steady(r.steady.empty() ? 0 : 1, r.steady);
    session_.freeze(frozen_layers_of(weights_, r.learning_rate_factors), steady);
    if (r.average > 0) { average_ = weights_; }
  }

  /// Forward, loss and backward of one batch. Adds `share` of its gradient to that of the step (the shares of a step's
  /// batches add up to 1) and gives its loss. Throws `divergence`.
  double add(const batch& b, double share, const dropout_draw& drawn) {
    if (batches_++ == 0) { session_.clear_gradients(); }
    session_.forward(weights_.values(), b.images, logits_, drawn);
    if (dlogits_.shape() != logits_.shape()) { dlogits_.resize(logits_.shape()); }
    dlogits_.fill(0);
    const double loss = loss_(logits_, b.masks, dlogits_, share);
    if (!is_finite(loss)) { throw divergence{session_.first_non_finite(weights_.values(), b.images)}; }
    session_.backward(weights_.values(), dlogits_);
    return loss;
  }

  /// Ends a step: moves the weights, and their average. Throws `divergence`.
  void step(double learning_rate) {
    const std::span<float> slopes = session_.slopes();

    // Exchange gradients: those of several devices are added here, between backward pass and optimizer.

    expect_finite(session_.gradients());
    if (clip_value_ > 0) { clip_value(slopes, groups_, clip_value_); }
    if (clip_norm_ > 0) { clip_norm(slopes, groups_, clip_norm_); }
    optimizer_.set_learning_rate(learning_rate);
    optimizer_.step(weights_.learnable(), slopes);
    session_.move_statistics(weights_.statistics(), batches_);
    batches_ = 0;
    if (average_) { move_average(average_->values(), weights_.values(), decay_of_average_, optimizer_.steps() - 1); }
  }

  /// The scores of the last batch: counts of pixels, of all images and classes together.
  confusion count(const batch& b, label_kind labels) const { return count_pixels(logits_, b.masks, labels); }
  const any_loss& loss() const { return loss_; }
  double learning_rate() const { return optimizer_.learning_rate(); }

  /// The weights as the steps left them.
  const weights<Network>& current() const { return weights_; }

  /// What a training is judged by and keeps: the moving average, where there is one.
  const weights<Network>& result() const { return average_ ? *average_ : weights_; }
  bool is_averaged() const { return average_.has_value(); }

  /// Name of the first layer whose values are not finite under the weights of `result()`.
  std::string first_non_finite(const batch& b) {
    session_.forward(result().values(), b.images, logits_, {});
    return session_.first_non_finite(result().values(), b.images);
  }

  /// Of all that it holds, and of a checkpoint while it is written.
  std::size_t bytes() { return session_.bytes() + detail::bytes_beside(weights_, optimizer_, average_); }

  void save(checkpoint& to) { detail::save_learned(to, weights_, optimizer_, average_); }

  /// Throws `error` if the checkpoint is not of this network and optimizer.
  void restore(const checkpoint& from) { detail::restore_learned(from, weights_, optimizer_, average_); }

 private:
  void expect_finite(std::span<const float> gradients) const {
    for (const auto& array : weights_.arrays()) {
      for (const float g : gradients.subspan(static_cast<std::size_t>(array.place), array.values.size())) {
        if (!is_finite(g)) { throw divergence{array.name}; }
      }
    }
  }

  double clip_norm_, clip_value_, decay_of_average_;  // 0: none
  any_loss loss_;
  any_optimizer optimizer_;
  weights<Network> weights_;
  std::optional<weights<Network>> average_;
  std::vector<parameter_group> groups_;
  training_session<Network, Backend> session_;
  int batches_ = 0;  // of this step
  xt::xtensor<float, 4> logits_;
  xt::xtensor<float, 4> dlogits_;
};

}  // namespace segx
