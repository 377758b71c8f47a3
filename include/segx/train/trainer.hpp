#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <segx/core/random.hpp>
#include <segx/data/loader.hpp>
#include <segx/data/split.hpp>
#include <segx/image/write_image.hpp>
#include <segx/io/checkpoint.hpp>
#include <segx/io/checksum.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/metrics/per_image.hpp>
#include <segx/runtime/training_session.hpp>
#include <segx/train/curves.hpp>
#include <segx/train/evaluate.hpp>
#include <segx/train/log.hpp>
#include <segx/train/progress.hpp>

namespace segx {

/// How the learning rate goes down during a training: not at all, or along half a cosine to zero (Loshchilov & Hutter,
/// "SGDR", ICLR 2017, arXiv:1608.03983, without restarts).
enum class schedule { constant, cosine };

struct train_options {
  std::filesystem::path run;  // folder for best.safetensors, last.ckpt, log.csv, log.jsonl and curves.png
  int height = 256, width = 256;
  int epochs = 20;
  int batch = 8;
  int threads = 0;         // 0: as many as the machine has
  std::uint64_t seed = 0;  // of first weights, order, augmentation and dropout
  feed mode = feed::in_memory;
  std::optional<int> mask_threshold = {};
  bool resume = false;          // go on from run/last.ckpt
  double learning_rate = 1e-3;  // at the start
  schedule rate = schedule::constant;
  double dropout_until = 1;  // share of the steps with dropout; the rest goes without, as the deployed network does
  std::string recipe;        // the settings as text: a resumed training must have the same
  std::string trained_on;    // for the model card
  bool quiet = false;        // no progress on standard error
  std::function<bool()> should_stop = [] { return false; };  // asked after each step: save, and end
};

/// How a training ended.
struct train_result {
  bool finished = true;  // false: should_stop said so; resume goes on
  double best_iou = -1;  // of validation, mean over images
  int best_epoch = 0;
};

/// Trains a network on a dataset and leaves in `options.run` the weights that were best on the validation samples, a
/// checkpoint, logs and curves. The same seed and the same number of threads give the same weights, bit for bit; so
/// does a training that was ended or killed at any moment and resumed.
///
///   segx::trainer<segx::unet16, segx::adam, decltype(loss)> t{data, parts, optimizer, loss, card, options};
///   t.run();
template <class Network, class Optimizer, class Loss, class Backend = cpu>
class trainer {
 public:
  trainer(const dataset& data, const split& parts, Optimizer optimizer, Loss loss, model_card card,
          train_options options, const Network& network = {})
      : network_{network},
        options_{std::move(options)},
        optimizer_{std::move(optimizer)},
        loss_{std::move(loss)},
        card_{std::move(card)},
        learner_{network, options_.height, options_.width, {options_.batch, options_.threads}},
        weights_{weights<Network>::random(options_.seed, network)},
        judge_{weights_, options_.height, options_.width, {1, options_.threads}},
        train_samples_{data, parts.train, loader_settings(options_.batch, true)},
        val_samples_{data, parts.val, loader_settings(1, false)},
        samples_{digest_of(data, parts)} {}

  train_result run() {
    const std::filesystem::path last = options_.run / "last.ckpt";
    if (options_.resume) {
      restore(load_checkpoint(last, network_.fingerprint));
    } else if (std::filesystem::exists(last)) {
      fail(last.string() + ": this folder holds a training already; resume it (--resume) or choose another folder");
    }
    training_log log{options_.run, at_.epoch};
    std::optional<progress> shown;
    if (!options_.quiet) { shown.emplace(); }

    for (; at_.epoch < options_.epochs; at_.next_epoch()) {
      if (!train_epoch(shown)) {
        save(last);
        return {false, best_iou_, best_epoch_};
      }
      log.append(validate_epoch(shown));
      write_png(options_.run / "curves.png", curves_figure(log.records()));
      position next = at_;
      next.next_epoch();
      save(last, next);
    }
    return {true, best_iou_, best_epoch_};
  }

  const weights<Network>& current_weights() const { return weights_; }

  /// Bytes of the sessions, the weights and the optimizer, and of the images that stay in memory.
  std::size_t bytes() {
    return learner_.bytes() + judge_.bytes() + (weights_.values().size() + optimizer_.state().size()) * sizeof(float);
  }
  std::size_t resident_bytes() const { return train_samples_.resident_bytes() + val_samples_.resident_bytes(); }

 private:
  using clock = std::chrono::steady_clock;

  /// How far a training has come; with the seed, all that chance depends on.
  struct position {
    int epoch = 0;          // epochs that are done
    int batch = 0;          // batches of this epoch that are done
    std::int64_t step = 0;  // batches of all epochs
    double loss_sum = 0;    // of this epoch's images
    std::int64_t images = 0;
    confusion pixels{};
    double seconds = 0;  // of this epoch's training

    void next_epoch() { *this = {.epoch = epoch + 1, .step = step}; }
  };

  /// Stands for which samples are trained on and which validate.
  static std::string digest_of(const dataset& data, const split& parts) {
    std::string stems;
    for (const int index : parts.train) { stems += data.samples[index].stem + '\n'; }
    stems += '\n';
    for (const int index : parts.val) { stems += data.samples[index].stem + '\n'; }
    return sha256(std::as_bytes(std::span{stems}));
  }

  loader_options loader_settings(int batch, bool training) const {
    loader_options settings{
        .height = options_.height, .width = options_.width, .batch = batch, .threads = 1, .mode = options_.mode};
    settings.seed = options_.seed;
    settings.shuffle = training;
    settings.mask_threshold = options_.mask_threshold;
    if (training) { settings.augment = horizontal_flip{}; }
    return settings;
  }

  /// One epoch of steps from `at_` on; false if it was ended early.
  bool train_epoch(std::optional<progress>& shown) {
    if (shown) { shown->begin_epoch(at_.epoch + 1, options_.epochs, train_samples_.size()); }
    train_samples_.start_epoch(at_.epoch, at_.batch);
    while (train_samples_.next(batch_)) {
      const auto start = clock::now();
      const double loss = step();
      const auto images = static_cast<std::int64_t>(batch_.indices.size());
      at_.loss_sum += loss * static_cast<double>(images);
      at_.images += images;
      for (const confusion& c : count_per_image_from_logits(logits_, batch_.masks)) { at_.pixels += c; }
      at_.seconds += std::chrono::duration<double>(clock::now() - start).count();
      ++at_.batch;
      ++at_.step;
      if (shown) { shown->update(at_.images, at_.loss_sum / static_cast<double>(at_.images), at_.pixels.iou()); }
      if (options_.should_stop() && at_.batch < train_samples_.batches_per_epoch()) { return false; }
    }
    return true;
  }

  /// Forward, loss, backward, update.
  double step() {
    random_generator draw{options_.seed, purpose_dropout, static_cast<std::uint64_t>(at_.step)};
    const float dropout_strength = progress_of_training() < options_.dropout_until ? 1.0F : 0.0F;
    learner_.forward(weights_.values(), batch_.images, logits_,
                     {static_cast<std::uint32_t>(draw.bits()), dropout_strength});
    if (dlogits_.shape() != logits_.shape()) { dlogits_.resize(logits_.shape()); }
    dlogits_.fill(0);
    const double loss = loss_(logits_, batch_.masks, dlogits_);
    if (!std::isfinite(loss)) { fail_diverged(learner_.first_non_finite(weights_.values(), batch_.images)); }
    learner_.clear_gradients();
    learner_.backward(weights_.values(), dlogits_);
    // (Gradients of several devices are summed here, between backward pass and optimizer.)
    for (const float g : learner_.gradients()) {
      if (!std::isfinite(g)) { fail_diverged(layer_of_first_bad_gradient()); }
    }
    optimizer_.set_learning_rate(learning_rate());
    const std::span<float> gradients = learner_.gradients();
    optimizer_.step(weights_.learnable(), gradients.first(weights_.learnable().size()));
    const std::span<float> statistics = weights_.statistics();
    for (std::size_t i = 0; i < statistics.size(); ++i) { statistics[i] -= gradients[weights_.learnable().size() + i]; }
    return loss;
  }

  /// Of the step at `at_`.
  double learning_rate() const {
    if (options_.rate == schedule::constant) { return options_.learning_rate; }
    constexpr double pi = 3.141592653589793;
    return options_.learning_rate * 0.5 * (1 + std::cos(pi * progress_of_training()));
  }

  /// Share of the steps that are done, in [0,1).
  double progress_of_training() const {
    return static_cast<double>(at_.step) / (static_cast<double>(options_.epochs) * train_samples_.batches_per_epoch());
  }

  [[noreturn]] void fail_diverged(const std::string& layer) const {
    fail("training diverged in epoch " + std::to_string(at_.epoch + 1) + ", step " + std::to_string(at_.step + 1) +
         ": values that are not finite, first in the layer \"" + (layer.empty() ? "loss" : layer) +
         "\"; lower the learning rate, or look at the data");
  }

  std::string layer_of_first_bad_gradient() {
    const std::span<const float> gradients = learner_.gradients();
    for (const auto& array : weights_.arrays()) {
      const auto of_array = gradients.subspan(static_cast<std::size_t>(array.place), array.values.size());
      if (!std::all_of(of_array.begin(), of_array.end(), [](float g) { return std::isfinite(g); })) {
        return array.name;
      }
    }
    return {};
  }

  /// Judges the weights on the validation samples, keeps them if they are the best so far, and gives the epoch's
  /// record.
  epoch_record validate_epoch(std::optional<progress>& shown) {
    const auto start = clock::now();
    if (shown) { shown->begin_validation(val_samples_.size()); }
    judge_.set_weights(weights_);
    const evaluation e = evaluate(judge_, val_samples_, loss_, 0.5F, [&](long done) {
      if (shown) { shown->update(done, progress_state::unknown, progress_state::unknown); }
    });
    if (!std::isfinite(e.loss)) {
      learner_.forward(weights_.values(), batch_.images, logits_, {});  // with the weights that were judged
      fail_diverged(learner_.first_non_finite(weights_.values(), batch_.images));
    }
    const double train_seconds = at_.seconds;
    const epoch_record record{.epoch = at_.epoch + 1,
                              .seconds = train_seconds + std::chrono::duration<double>(clock::now() - start).count(),
                              .learning_rate = optimizer_.learning_rate(),
                              .train_loss = at_.loss_sum / static_cast<double>(at_.images),
                              .train_iou = at_.pixels.iou(),
                              .train_dice = at_.pixels.dice(),
                              .val_loss = e.loss,
                              .val_iou_mean = e.summary.iou_mean,
                              .val_iou_micro = e.summary.iou_micro,
                              .val_dice_mean = e.summary.dice_mean,
                              .val_accuracy = e.summary.accuracy,
                              .images_per_second = static_cast<double>(at_.images) / train_seconds};
    const bool is_best = record.val_iou_mean > best_iou_;
    if (is_best) {
      best_iou_ = record.val_iou_mean;
      best_epoch_ = record.epoch;
      save_best(record);
    }
    if (shown) { shown->end_epoch(summary_line(record, is_best)); }
    return record;
  }

  void save_best(const epoch_record& record) {
    card_.height = options_.height;
    card_.width = options_.width;
    card_.recipe = options_.recipe;
    card_.trained_on = options_.trained_on;
    card_.metrics = detail::json_line(record);
    card_.metrics.pop_back();  // the end of the line
    save_weights(options_.run / "best.safetensors", weights_, card_);
  }

  std::string summary_line(const epoch_record& r, bool is_best) const {
    char text[200];
    std::snprintf(text, sizeof text,
                  "epoch %d/%d  %s  train loss %.4f iou %.4f  val loss %.4f iou %.4f dice %.4f  %.1f images/s%s",
                  r.epoch, options_.epochs, clock_text(r.seconds).c_str(), r.train_loss, r.train_iou, r.val_loss,
                  r.val_iou_mean, r.val_dice_mean, r.images_per_second, is_best ? "  best" : "");
    return text;
  }

  void save(const std::filesystem::path& path) { save(path, at_); }
  void save(const std::filesystem::path& path, const position& at) {
    checkpoint state;
    state.weights.assign(weights_.values().begin(), weights_.values().end());
    state.optimizer.assign(optimizer_.state().begin(), optimizer_.state().end());
    state.set("recipe", options_.recipe);
    state.set("samples", samples_);
    state.set("optimizer_steps", optimizer_.steps());
    state.set("epoch", std::int64_t{at.epoch});
    state.set("batch", std::int64_t{at.batch});
    state.set("step", at.step);
    state.set("loss_sum", at.loss_sum);
    state.set("images", at.images);
    state.set("true_positive", at.pixels.true_positive);
    state.set("false_positive", at.pixels.false_positive);
    state.set("false_negative", at.pixels.false_negative);
    state.set("true_negative", at.pixels.true_negative);
    state.set("seconds", at.seconds);
    state.set("best_iou", best_iou_);
    state.set("best_epoch", std::int64_t{best_epoch_});
    save_checkpoint(path, state, network_.fingerprint);
  }

  void restore(const checkpoint& state) {
    const auto recipe = state.values.find("recipe");
    if (recipe == state.values.end() || recipe->second != options_.recipe) {
      fail((options_.run / "last.ckpt").string() + ": was made with other settings (" +
           (recipe == state.values.end() ? "none" : recipe->second) + "), found now: " + options_.recipe +
           "; resume with the same ones");
    }
    if (const auto found = state.values.find("samples"); found == state.values.end() || found->second != samples_) {
      fail((options_.run / "last.ckpt").string() +
           ": was made with other images to train on or to validate; resume with the same ones");
    }
    if (state.weights.size() != weights_.values().size() || state.optimizer.size() != optimizer_.state().size()) {
      fail((options_.run / "last.ckpt").string() + ": holds " + std::to_string(state.weights.size()) + " weights and " +
           std::to_string(state.optimizer.size()) + " values of the optimizer, expected " +
           std::to_string(weights_.values().size()) + " and " + std::to_string(optimizer_.state().size()));
    }
    std::copy(state.weights.begin(), state.weights.end(), weights_.values().begin());
    std::copy(state.optimizer.begin(), state.optimizer.end(), optimizer_.state().begin());
    optimizer_.set_steps(state.get<std::int64_t>("optimizer_steps"));
    at_ = {.epoch = state.get<int>("epoch"),
           .batch = state.get<int>("batch"),
           .step = state.get<std::int64_t>("step"),
           .loss_sum = state.get<double>("loss_sum"),
           .images = state.get<std::int64_t>("images"),
           .pixels = {state.get<std::int64_t>("true_positive"), state.get<std::int64_t>("false_positive"),
                      state.get<std::int64_t>("false_negative"), state.get<std::int64_t>("true_negative")},
           .seconds = state.get<double>("seconds")};
    best_iou_ = state.get<double>("best_iou");
    best_epoch_ = state.get<int>("best_epoch");
  }

  static constexpr std::uint64_t purpose_dropout = 3;

  [[no_unique_address]] Network network_;
  train_options options_;
  Optimizer optimizer_;
  Loss loss_;
  model_card card_;
  training_session<Network, Backend> learner_;
  weights<Network> weights_;
  session<Network, Backend> judge_;
  loader train_samples_;
  loader val_samples_;
  std::string samples_;

  position at_{};
  batch batch_;
  xt::xtensor<float, 4> logits_;
  xt::xtensor<float, 4> dlogits_;
  double best_iou_ = -1;
  int best_epoch_ = 0;
};

}  // namespace segx
