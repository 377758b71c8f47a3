#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <segx/core/finite.hpp>
#include <segx/cuda/idle_clock.hpp>
#include <segx/cuda/loss_program.hpp>
#include <segx/cuda/training_kernels.hpp>
#include <segx/cuda/training_session.hpp>
#include <segx/train/evaluate.hpp>
#include <segx/train/step.hpp>

namespace segx {

namespace gpu {

/// What a recorded pass says of dropout: the layer's part of it; the step's part lies on the GPU.
struct recorded_draw {
  epilogue at(epilogue then) const { return then; }
  std::uint32_t seed_of(int node) const { return dropout_draw::part_of(node); }
};

/// One T, or several, that the GPU reads and writes by itself.
template <class T>
class pinned {
 public:
  explicit pinned(std::size_t count = 1)
      : data_{static_cast<T*>(allocate_pinned(static_cast<std::int64_t>(count * sizeof(T))))}, count_{count} {
    std::fill_n(data_, count, T{});
  }
  ~pinned() { release_pinned(data_); }
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;

  T* get() const { return data_; }
  T& operator*() const { return *data_; }
  T* operator->() const { return data_; }
  std::int64_t bytes() const { return static_cast<std::int64_t>(count_ * sizeof(T)); }

 private:
  T* data_;
  std::size_t count_;
};

}  // namespace gpu

/// Training on a GPU: weights, gradients, moments and average stay there. The work of a batch and of a step is recorded
/// once for each size of batch, as CUDA graphs:
///
///   forward   images → logits, loss, its gradient and scores
///   backward  → gradients of the weights
///             (here gradients of several GPUs will be exchanged)
///   step      clip, optimizer, running statistics, moving average
///
/// The host learns of the loss while the backward pass still runs, and brings the next batch meanwhile, on a stream of
/// its own. What the GPU does not know (a loss, an optimizer of the user's) the host computes, with the same result.
template <class Network>
class learner<Network, cuda> {
  using memory = gpu::session_memory;

 public:
  learner(const Network& network, const recipe& r, any_loss loss, any_optimizer optimizer, session_options how)
      : clip_norm_{r.clip_norm},
        clip_value_{r.clip_value},
        decay_of_average_{r.average},
        loss_{std::move(loss)},
        optimizer_{std::move(optimizer)},
        weights_{first_weights(r, network)},
        groups_{parameter_groups_of(weights_, r.learning_rate_factors, r.decay_biases)},
        session_{network, r.height, r.width, {r.batch, how.threads, how.numbers, how.deterministic}},
        program_{gpu::loss_program_of(loss_, session_.output().channels)},
        pinned_images_{{gpu::pinned<float>{floats_of(session_.input(), r.batch)},
                        gpu::pinned<float>{floats_of(session_.input(), r.batch)}}},
        pinned_targets_{{gpu::pinned<float>{floats_of(session_.output(), r.batch)},
                         gpu::pinned<float>{floats_of(session_.output(), r.batch)}}},
        pinned_groups_{groups_.size()} {
    expect_parts(weights_, r);
    if (!program_) { pinned_logits_.emplace(floats_of(session_.output(), r.batch)); }
    optimizer_.set_groups(groups_);
    const std::vector<std::string> steady(r.steady.empty() ? 0 : 1, r.steady);
    session_.freeze(frozen_layers_of(weights_, r.learning_rate_factors), steady);
    session_.upload(memory::weights_now, weights_.values());
    bring_moments();
    if (r.average > 0) {
      average_ = weights_;
      session_.upload(memory::average, weights_.values());
    }
    pinned_status_->loss_scale = adapts_scale() ? 65536.0F : 1.0F;
    upload_status();
    session_.on().read_step(&at().values, &at().status);
  }

  /// As of the learner on the CPU. Gradients that are not finite are found out in the next call.
  double add(const batch& b, double share, const dropout_draw& drawn) {
    segx::detail::expect_batch(b.images, session_.input(), session_.run().max_batch(), "images");
    const int images = static_cast<int>(b.images.shape()[0]);
    if (b.masks.shape() != segx::detail::extents_of(b.images.shape()[0], session_.output())) {
      fail({"masks are ", segx::detail::text_of(b.masks.shape()), "; the network makes ",
            segx::detail::text_of(segx::detail::extents_of(b.images.shape()[0], session_.output())),
            " of these images"});
    }
    const recordings& work = recorded(images);
    const int slot = std::exchange(slot_, 1 - slot_);
    bring(b, slot);
    *batch_values_ = {.images = session_.memory().images(slot),
                      .targets = session_.memory().targets(slot),
                      .seed = drawn.seed,
                      .dropout = drawn.strength,
                      .share = static_cast<float>(share)};
    stream().copy_to_device(&at().values, batch_values_.get(), batch_values_.bytes());
    if (batches_++ == 0 && !is_clear_) { session_.clear_gradients(); }
    is_clear_ = false;
    idle_.begin_of_work(stream());
    work.forward.play(stream());
    double loss = 0;
    if (program_) {
      stream().copy_to_host(result_.get(), &at().result, result_.bytes());
      forwarded_.record(stream());
      work.backward.play(stream());
      forwarded_.wait();
      idle_.read();
      idle_.end_of_work(stream());
      loss = result_->loss;
    } else {
      loss = add_loss_of_host(b, share, work);
    }
    expect_finite_step();
    if (!is_finite(loss)) { throw divergence{session_.first_non_finite(current().values(), b.images)}; }
    return loss;
  }

  void step(double learning_rate) {
    // Exchange gradients: those of several GPUs are added here, between backward pass and optimizer.

    optimizer_.set_learning_rate(learning_rate);
    if (const std::optional<step_rule> rule = optimizer_.begin_step()) {
      step_on_gpu(*rule);
    } else {
      step_on_host();
    }
    idle_.end_of_work(stream());
    batches_ = 0;
    is_clear_ = true;
    are_weights_known_ = false;
  }

  /// The scores of the last batch: counts of pixels, of all images and classes together.
  confusion count(const batch& b, label_kind labels) const {
    if (!program_) { return count_pixels(logits_, b.masks, labels); }
    const auto whole = [](double count) { return static_cast<std::int64_t>(count); };
    return {whole(result_->true_positive), whole(result_->false_positive), whole(result_->false_negative),
            whole(result_->true_negative)};
  }

  /// Until the GPU has done all that it was given. Nobody else needs to ask: what is read of a learner waits by itself.
  void wait() { stream().wait(); }

  const any_loss& loss() const { return loss_; }
  double learning_rate() const { return optimizer_.learning_rate(); }

  const weights<Network>& current() const {
    fetch();
    return weights_;
  }
  const weights<Network>& result() const {
    fetch();
    return average_ ? *average_ : weights_;
  }
  bool is_averaged() const { return average_.has_value(); }

  std::string first_non_finite(const batch& b) {
    const weights<Network> judged = result();
    std::string name = session_.first_non_finite(judged.values(), b.images);
    session_.upload(memory::weights_now, weights_.values());
    return name;
  }

  /// Of the GPU, and of the host.
  std::size_t bytes() const { return session_.bytes(); }
  std::size_t bytes_of_host() {
    const std::int64_t pinned =
        2 * (pinned_images_[0].bytes() + pinned_targets_[0].bytes()) + (pinned_logits_ ? pinned_logits_->bytes() : 0);
    return static_cast<std::size_t>(pinned) + segx::detail::bytes_beside(weights_, optimizer_, average_);
  }

  /// Seconds in which the GPU had nothing to do within steps and between them, until the last batch's forward pass;
  /// validation and checkpoints are not counted.
  double seconds_idle() const { return idle_.seconds(); }

  /// Convolutions of the batches so far that segx's own direct kernels compute, as cuDNN has no algorithm that meets
  /// the demands: they are slow.
  int slow_convolutions() const { return session_.on().convolve.without_algorithm(); }

  /// True if the loss is computed on the GPU.
  bool has_loss_on_gpu() const { return program_.has_value(); }

  void save(checkpoint& to) {
    stream().wait();
    expect_finite_step();
    fetch();
    fetch_moments();
    segx::detail::save_learned(to, weights_, optimizer_, average_);
    if (adapts_scale()) {
      to.set("loss_scale", double{pinned_status_->loss_scale});
      to.set("loss_scale_steps", std::int64_t{pinned_status_->good_steps});
    }
  }

  void restore(const checkpoint& from) {
    segx::detail::restore_learned(from, weights_, optimizer_, average_);
    session_.upload(memory::weights_now, weights_.values());
    bring_moments();
    if (average_) { session_.upload(memory::average, average_->values()); }
    if (adapts_scale() && from.values.contains("loss_scale")) {
      pinned_status_->loss_scale = static_cast<float>(from.get<double>("loss_scale"));
      pinned_status_->good_steps = from.get<int>("loss_scale_steps");
      upload_status();
    }
    are_weights_known_ = true;
  }

 private:
  struct recordings {
    gpu::recording forward, backward;
  };

  static std::size_t floats_of(shape s, int batch) { return static_cast<std::size_t>(batch * s.size()); }
  bool adapts_scale() const { return session_.on().numbers == precision::fp16; }
  gpu::stream& stream() { return session_.on().in; }
  gpu::step_memory& at() const { return session_.memory().step(); }

  /// The work of batches of so many images, recorded when the first one comes.
  const recordings& recorded(int images) {
    if (const auto found = recorded_.find(images); found != recorded_.end()) { return found->second; }
    session_.rehearse(images);
    cuda& on = session_.on();
    executor<cuda>& run = session_.run();
    const std::span<float> weights = session_.values(memory::weights_now);
    const gpu::tensor logits = on.tensor(run.value(run.last(), images));
    const gpu::tensor dlogits = on.tensor(run.gradient(run.last(), images));
    recordings work;
    work.forward = gpu::recording::of(on.in, [&] {
      gpu::load_images(on.work(), on.tensor(run.value(0, images)));
      run.forward(weights, images, gpu::recorded_draw{});
      if (program_) {
        gpu::loss(on.work(), *program_, logits, dlogits, session_.memory().loss_sums(), &at().result);
      } else {
        gpu::store_batch(on.work(), logits, activation::none, session_.memory().logits());
      }
    });
    work.backward = gpu::recording::of(on.in, [&] {
      if (!program_) { gpu::load_gradient(on.work(), session_.memory().dlogits(), &at().status, dlogits); }
      run.backward(weights, session_.values(memory::gradients), images, gpu::recorded_draw{});
    });
    return recorded_.emplace(images, std::move(work)).first->second;
  }

  /// Copies a batch to the GPU beside the work that is there; its place is free, as the batch before the last is done.
  void bring(const batch& b, int slot) {
    const auto copy = [&](const xt::xtensor<float, 4>& from, const gpu::pinned<float>& by, float* to) {
      std::copy(from.data(), from.data() + from.size(), by.get());
      copies_.copy_to_device(to, by.get(), static_cast<std::int64_t>(4 * from.size()));
    };
    copy(b.images, pinned_images_[static_cast<std::size_t>(slot)], session_.memory().images(slot));
    copy(b.masks, pinned_targets_[static_cast<std::size_t>(slot)], session_.memory().targets(slot));
    brought_.record(copies_);
    brought_.let_wait(stream());
  }

  double add_loss_of_host(const batch& b, double share, const recordings& work) {
    const shape s = session_.output();
    logits_.resize(detail::extents_of(b.images.shape()[0], s));
    const auto bytes = static_cast<std::int64_t>(4 * logits_.size());
    idle_.end_of_work(stream());
    stream().copy_to_host(pinned_logits_->get(), session_.memory().logits(), bytes);
    stream().wait();  // also until the last batch's dlogits have gone
    idle_.read();
    std::copy_n(pinned_logits_->get(), logits_.size(), logits_.data());
    dlogits_.resize(logits_.shape());
    dlogits_.fill(0);
    const double loss = loss_(logits_, b.masks, dlogits_, share);
    std::copy_n(dlogits_.data(), dlogits_.size(), pinned_logits_->get());
    stream().copy_to_device(session_.memory().dlogits(), pinned_logits_->get(), bytes);
    idle_.begin_of_work(stream());
    work.backward.play(stream());
    idle_.end_of_work(stream());
    return loss;
  }

  void step_on_gpu(const step_rule& rule) {
    std::copy(rule.groups.begin(), rule.groups.end(), pinned_groups_.get());
    stream().copy_to_device(session_.memory().groups(), pinned_groups_.get(), pinned_groups_.bytes());
    *step_values_ = {.batches = static_cast<float>(batches_),
                     .fresh = fresh_share(decay_of_average_, optimizer_.steps() - 1)};
    stream().copy_to_device(&at().values, step_values_.get(), step_values_.bytes());
    if (!moving_) {
      const gpu::step_call call{.how = rule.how,
                                .groups = session_.memory().groups(),
                                .group_count = static_cast<int>(rule.groups.size()),
                                .weights = session_.values(memory::weights_now).data(),
                                .gradients = session_.values(memory::gradients).data(),
                                .first_moment = session_.values(memory::first_moment).data(),
                                .second_moment = session_.values(memory::second_moment).data(),
                                .average = average_ ? session_.values(memory::average).data() : nullptr,
                                .learnable = static_cast<std::int64_t>(weights_.learnable().size()),
                                .values = static_cast<std::int64_t>(weights_.values().size()),
                                .clip_value = static_cast<float>(clip_value_),
                                .clip_norm = static_cast<float>(clip_norm_),
                                .adapts_scale = adapts_scale(),
                                .status = &at().status};
      moving_ = gpu::recording::of(stream(), [&] { gpu::move_weights(session_.on().work(), call); });
    }
    idle_.begin_of_work(stream());
    moving_.play(stream());
    stream().copy_to_host(pinned_status_.get(), &at().status, pinned_status_.bytes());
  }

  /// By an optimizer that only the host knows.
  void step_on_host() {
    download_weights();
    const std::span<float> gradients = session_.gradients();
    for (float& g : gradients.first(weights_.learnable().size())) { g /= pinned_status_->loss_scale; }
    const std::string bad = first_bad_array(gradients);
    if (adapts_scale()) {
      pinned_status_->not_finite = bad.empty() ? 0 : 1;
      pinned_status_->adapt_scale();
      pinned_status_->not_finite = 0;  // the optimizer, which is not asked, does not count this step
      upload_status();
    } else if (!bad.empty()) {
      throw divergence{bad};
    }
    if (bad.empty()) { move_on_host(gradients); }
    session_.clear_gradients();
    idle_.begin_of_work(stream());
  }
  void move_on_host(std::span<float> gradients) {
    const std::span<float> slopes = gradients.first(weights_.learnable().size());
    if (clip_value_ > 0) { clip_value(slopes, groups_, clip_value_); }
    if (clip_norm_ > 0) { clip_norm(slopes, groups_, clip_norm_); }
    optimizer_.step(weights_.learnable(), slopes);
    const std::span<const float> taken = gradients.subspan(slopes.size());
    for (std::size_t i = 0; i < taken.size(); ++i) {
      weights_.statistics()[i] -= taken[i] / static_cast<float>(batches_);
    }
    if (average_) { move_average(average_->values(), weights_.values(), decay_of_average_, optimizer_.steps() - 1); }
    session_.upload(memory::weights_now, weights_.values());
    if (average_) { session_.upload(memory::average, average_->values()); }
  }

  /// Looks at the last step whose status has come. If its gradients were not finite, nothing moved: that is the end,
  /// or, where the scale adapts, a step that does not count.
  void expect_finite_step() {
    if (!(pinned_status_->not_finite > 0)) { return; }
    if (!adapts_scale()) { throw divergence{first_bad_array(session_.gradients())}; }
    pinned_status_->not_finite = 0;
    optimizer_.set_steps(optimizer_.steps() - 1);
  }
  std::string first_bad_array(std::span<const float> gradients) const {
    for (const auto& array : weights_.arrays()) {
      for (const float g : gradients.subspan(static_cast<std::size_t>(array.place), array.values.size())) {
        if (!is_finite(g)) { return array.name; }
      }
    }
    return "";
  }

  void upload_status() {
    stream().copy_to_device(&at().status, pinned_status_.get(), pinned_status_.bytes());
    stream().wait();
  }

  /// The host's copies of weights and average.
  void fetch() const {
    if (are_weights_known_) { return; }
    idle_.interrupt();
    download_weights();
  }
  void download_weights() const {
    session_.download(memory::weights_now, weights_.values());
    if (average_) { session_.download(memory::average, average_->values()); }
    are_weights_known_ = true;
  }

  /// Between the GPU's moments, each as long as all values, and an optimizer's state: m, then v, of what is learned.
  template <class Move>
  void for_each_moment(Move&& move) {
    const std::size_t learnable = weights_.learnable().size();
    const std::span<float> all = optimizer_.state();
    for (std::size_t k = 0; (k + 1) * learnable <= all.size() && k < 2; ++k) {
      move(k == 0 ? memory::first_moment : memory::second_moment, all.subspan(k * learnable, learnable));
    }
  }
  bool moves_on_gpu() const { return static_cast<bool>(moving_); }
  void fetch_moments() {
    if (!moves_on_gpu()) { return; }  // the host's are right, or there was no step yet
    for_each_moment([&](memory::array which, std::span<float> part) { session_.download(which, part); });
  }
  void bring_moments() {
    for_each_moment([&](memory::array which, std::span<float> part) { session_.upload(which, part); });
  }

  double clip_norm_, clip_value_, decay_of_average_;  // 0: none
  any_loss loss_;
  any_optimizer optimizer_;
  mutable weights<Network> weights_;
  mutable std::optional<weights<Network>> average_;
  mutable bool are_weights_known_ = true;
  std::vector<parameter_group> groups_;
  mutable training_session<Network, cuda> session_;
  std::optional<gpu::loss_program> program_;

  gpu::stream copies_;
  gpu::event brought_, forwarded_;
  mutable gpu::idle_clock idle_;

  std::array<gpu::pinned<float>, 2> pinned_images_, pinned_targets_;
  std::optional<gpu::pinned<float>> pinned_logits_;  // … and their gradient, where the host computes the loss
  gpu::pinned<gpu::step_values> batch_values_, step_values_;
  gpu::pinned<gpu::batch_result> result_;
  gpu::pinned<gpu::training_status> pinned_status_;
  gpu::pinned<group_step> pinned_groups_;
  int slot_ = 0;

  std::map<int, recordings> recorded_;
  gpu::recording moving_;
  int batches_ = 0;  // of this step
  bool is_clear_ = true;
  xt::xtensor<float, 4> logits_, dlogits_;  // as the losses of the host take them
};

}  // namespace segx
