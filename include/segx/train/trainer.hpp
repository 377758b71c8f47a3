#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/finite.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/random.hpp>
#include <segx/data/augment/geometric.hpp>
#include <segx/data/loader.hpp>
#include <segx/data/split.hpp>
#include <segx/io/checkpoint.hpp>
#include <segx/io/folder_lock.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/train/classes.hpp>
#include <segx/train/evaluate.hpp>
#include <segx/train/feed_choice.hpp>
#include <segx/train/log.hpp>
#include <segx/train/progress.hpp>
#include <segx/train/recipe.hpp>
#include <segx/train/recipe_data.hpp>
#include <segx/train/run_folder.hpp>
#include <segx/train/step.hpp>
#include <segx/train/training_state.hpp>

namespace segx {

/// What a training needs beside its recipe; its result depends on it only by rounding.
struct run_options {
  std::filesystem::path
      folder;       // for best.safetensors, last.ckpt, recipe.json, val.txt, log.csv, log.jsonl, curves.png
  int threads = 0;  // 0: as many as the machine has
  precision numbers = precision::automatic;  // of a GPU
  bool deterministic = true;                 // of a GPU: see session_options
  std::string feed = "auto";                 // or memory, stream: see choose_feed
  bool resume = false;                       // go on from folder/last.ckpt
  bool quiet = false;                        // no progress on standard error
  // What the recipe's augmentation names: parse_augmentation(recipe.augmentation), or your own. Without it a recipe may
  // name "flip" or "none": a program that augments no further need not compile all that there is.
  std::optional<any_augmentation> augment{};
  model_card card{};  // what to write beside the weights; the trainer fills in what it knows
  std::function<bool()> should_stop = [] { return false; };  // asked after each step: save, and end
};

/// How a training ended.
struct train_result {
  bool finished = true;  // false: should_stop said so; resume goes on
  double best_iou = -1;  // of validation, mean over images
  int best_epoch = 0;
  int epochs = 0;  // that were trained; fewer than the recipe's after an early stop
};

/// Trains a network on a dataset as a recipe says and leaves in `run.folder` the weights that were best on the
/// validation samples, a checkpoint, logs and curves. The same recipe and the same number of threads give the same
/// weights, bit for bit; so does a training that was ended or killed at any moment and resumed.
///
///   segx::trainer<segx::unet16> t{data, parts, {.epochs = 40}, segx::bce + segx::jaccard, {.folder = "run"}};
///   t.run();
///
/// The recipe that it tells names the loss, the optimizer, the augmentation and the classes that it was given, what is
/// your own by name alone; `parse_loss(recipe.loss)` is the loss of the recipe.
template <class Network, class Backend = cpu>
class trainer {
 public:
  /// With the optimizer that the recipe names.
  [[gnu::cold]] trainer(const dataset& data, const split& parts, const recipe& r, any_loss loss, run_options run,
                        const Network& network = {})
      : trainer{data, parts, r, std::move(loss), optimizer_of(r, network), std::move(run), network} {}

  /// With an optimizer of your own.
  [[gnu::cold]] trainer(const dataset& data, const split& parts, const recipe& r, any_loss loss,
                        any_optimizer optimizer, run_options run, const Network& network = {})
      : recipe_{told(r, data, loss, optimizer, run.augment)},
        run_{std::move(run)},
        data_{trainable(data, parts, network, recipe_.model, loss)},
        parts_{parts},
        judge_{weights<Network>{network}, recipe_.height, recipe_.width, options_of(judged_at_once())},
        learner_{network, first_of(recipe_, run_.resume), std::move(loss), std::move(optimizer), options_of(1)},
        at_{training_state::begin(recipe_)} {
    if (recipe_.doubled) { double_by_mirroring(data_, parts_); }
    feed_ = choose_feed(run_.feed, bytes_to_feed(recipe_, network.channels, run_.threads, data_, parts_),
                        static_cast<std::int64_t>(bytes_of_host()), available_memory());
    if (const shape result = judge_.output(); !same_plane(result, judge_.input())) {
      fail({"the network \"", recipe_.model, "\" makes ", text_of(result), " of ", text_of(judge_.input()),
            ", but masks are as large as images"});
    }
  }

  /// Throws `error` for what is wrong with a recipe, its loss apart, whatever the images are.
  static void check(const recipe& r, const Network& network = {}) {
    checked(r);
    optimizer_of(r, network);
    scan_options_of(r);
    has_windows(r);
    parse_normalisation(r.normalisation);
    expect_size(network, r.height, r.width);
    expect_parts(weights<Network>{network}, r);
  }

  /// Whether a training has come to its end in this folder; false where none is. Throws `error` if it is one of another
  /// recipe, or of other samples. Texts of the recipe are as trainings write them: `parse_loss(r.loss).text()`.
  static bool is_finished(const std::filesystem::path& folder, dataset data, split parts, const recipe& r,
                          const Network& network = {}) {
    if (!std::filesystem::exists(run_folder::checkpoint_in(folder))) { return false; }
    if (r.doubled) { double_by_mirroring(data, parts); }
    run_folder files{folder, told(r, data), images_sha256(data, parts)};
    return files.state_in(files.load(network.fingerprint)).is_over(r);
  }

  /// How `run` will feed the training.
  const feed_choice& feeding() const { return feed_; }

  /// Bytes of the sessions, the weights and the optimizer, and of a checkpoint while it is written; of a GPU, where all
  /// but the checkpoint is there.
  std::size_t bytes() { return learner_.bytes() + judge_.bytes(); }

  [[gnu::cold]] train_result run() {
    run_folder::expect(run_.folder, run_.resume);
    make_folder(run_.folder);
    const folder_lock alone{run_.folder};
    run_folder::expect(run_.folder, run_.resume);  // again: another training may just have ended
    remove_unfinished(run_.folder);
    files_.emplace(run_.folder, recipe_, images_sha256(data_, parts_));
    if (run_.resume) { restore(); }
    if (is_over()) {
      files_->expect_weights();
      return result(true);
    }
    const int channels = learner_.current().network().channels;
    loader_options training = loader_options_of(recipe_, channels, feed_.mode, true);
    training.augment = augmentation();
    training.threads = run_.threads;
    train_samples_.emplace(data_, parts_.train, std::move(training));
    loader_options validation = loader_options_of(recipe_, channels, feed_.mode, false);
    validation.batch = judged_at_once();
    validation.threads = run_.threads;
    val_samples_.emplace(data_, parts_.val, std::move(validation));
    training_log log = files_->begin_log(at_.epoch, data_, parts_);
    if (!run_.quiet) { shown_.emplace(); }

    bool is_first = true;
    while (!is_over()) {
      if (!train_epoch()) {
        keep(log);
        return result(false);
      }
      if (std::exchange(is_first, false)) { note_slow_convolutions(); }
      log.append(validate_epoch());
      at_.next_epoch();
      if (is_over() || is_time_to_keep()) {
        keep(log);
      } else if (best_ && !best_->values) {
        best_->values = learner_.result();
      }
    }
    return result(true);
  }

  const weights<Network>& current_weights() const { return learner_.current(); }

 private:
  using clock = std::chrono::steady_clock;

  /// The data; throws `error`, before anything is allocated, if they cannot be trained on.
  static const dataset& trainable(const dataset& data, const split& parts, const Network& network,
                                  const std::string& model, const any_loss& loss) {
    expect_split(parts, data);
    expect_foreground(data, parts.train);
    expect_classes(network, model, data, loss);
    return data;
  }

  session_options options_of(int batch) const { return {batch, run_.threads, run_.numbers, run_.deterministic}; }
  int judged_at_once() const { return is_asynchronous ? detail::judged_at_once_on_gpu(recipe_) : 1; }

  bool is_over() const { return at_.is_over(recipe_); }
  train_result result(bool finished) const { return {finished, at_.best_iou, at_.best_epoch, at_.epoch}; }

  any_augmentation augmentation() const {
    if (run_.augment) { return *run_.augment; }
    if (recipe_.augmentation == "flip") { return horizontal_flip{}; }
    if (recipe_.augmentation == "none") { return no_augmentation{}; }
    fail({"the recipe's augmentation is \"", recipe_.augmentation,
          "\": give the trainer run_options::augment = parse_augmentation(…) of it"});
  }

  std::size_t bytes_of_host() {
    if constexpr (is_asynchronous) { return learner_.bytes_of_host(); }
    return bytes();
  }

  /// cuDNN lacks algorithms for some convolutions: segx's own kernels run them, slowly, and nobody would notice.
  void note_slow_convolutions() {
    if constexpr (is_asynchronous) {
      if (const int slow = learner_.slow_convolutions(); slow > 0 && shown_) {
        shown_->note(joined({"cuDNN has no algorithm for ", slow,
                             " convolutions of this training, which are slow now; --fastest, another --precision or "
                             "another size may have one"}));
      }
    }
  }

  static double seconds_since(clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
  }

  [[gnu::cold]] static any_optimizer optimizer_of(const recipe& r, const Network& network) {
    return make_optimizer(r.optimizer, static_cast<std::size_t>(network.parameter_count),
                          {.learning_rate = r.learning_rate, .weight_decay = r.weight_decay, .momentum = r.momentum});
  }

  /// The recipe with what the images and the program's own parts make of it.
  [[gnu::cold]] static recipe told(const recipe& given, const dataset& data) {
    recipe r = checked(given);
    if (r.model.empty()) { r.model = "custom"; }
    if (data.classes.size() > 1) {
      if (r.labels == "auto") { r.labels = text_of(data.labels); }
      if (r.classes.empty()) { r.classes = class_list(data.classes); }
    }
    return r;
  }
  [[gnu::cold]] static recipe told(const recipe& given, const dataset& data, const any_loss& loss,
                                   const any_optimizer& optimizer, const std::optional<any_augmentation>& augment) {
    recipe r = told(given, data);
    r.loss = loss.text();
    r.optimizer = optimizer.name;
    if (augment) { r.augmentation = augment->text(); }
    return r;
  }

  /// The recipe by which weights begin; those of a resumed training come from the checkpoint, whatever became of the
  /// file that they began with.
  static recipe first_of(recipe r, bool resume) {
    if (resume) { r.pretrained.clear(); }
    return r;
  }

  /// One epoch of steps from `at_` on; false if it was ended early.
  bool train_epoch() {
    if (shown_) { shown_->begin_epoch(at_.epoch + 1, recipe_.epochs, train_samples_->size()); }
    train_samples_->start_epoch(at_.epoch, at_.batch);
    while (at_.batch < train_samples_->batches_per_epoch()) {
      const auto start = clock::now();
      try {
        step();
      } catch (const divergence& found) { fail_diverged(found); }
      at_.seconds += seconds_since(start);
      ++at_.step;
      if (run_.should_stop() && at_.batch < train_samples_->batches_per_epoch()) { return false; }
    }
    return true;
  }

  /// A step on the next batches; the epoch's last step may have fewer.
  void step() {
    const int first = at_.batch;
    const int end = std::min(first + recipe_.accumulate, train_samples_->batches_per_epoch());
    const int images = std::min(end * recipe_.batch, train_samples_->size()) - first * recipe_.batch;
    while (at_.batch < end) {
      const auto start = clock::now();
      const double idle_before = seconds_idle();
      train_samples_->next(batch_);
      const double waited = seconds_since(start);

      const auto count = static_cast<double>(batch_.indices.size());
      at_.loss_sum += count * learner_.add(batch_, count / images, dropout());
      at_.waited += is_asynchronous ? seconds_idle() - idle_before : waited;
      at_.images += static_cast<std::int64_t>(batch_.indices.size());
      at_.pixels += learner_.count(batch_, data_.labels);
      ++at_.batch;
      if (shown_) { shown_->update(at_.images, at_.loss_sum / static_cast<double>(at_.images), at_.pixels.iou()); }
    }
    learner_.step(at_.rate(recipe_.learning_rate, time()));
  }

  /// A learner that computes while the host brings the next batch knows itself how long it had nothing to do.
  static constexpr bool is_asynchronous = requires(const learner<Network, Backend>& l) { l.seconds_idle(); };
  double seconds_idle() const {
    if constexpr (is_asynchronous) { return learner_.seconds_idle(); }
    return 0;
  }

  training_time time() const {
    const int batches = train_samples_->batches_per_epoch();
    return {.step = at_.step,
            .steps_per_epoch = (batches + recipe_.accumulate - 1) / recipe_.accumulate,
            .epochs = recipe_.epochs};
  }

  /// Of the batch at `at_`.
  dropout_draw dropout() const {
    const std::int64_t batches = std::int64_t{at_.epoch} * train_samples_->batches_per_epoch() + at_.batch;
    random_generator draw{recipe_.seed, purpose_dropout, static_cast<std::uint64_t>(batches)};
    return {static_cast<std::uint32_t>(draw.bits()), time().share() < recipe_.dropout_until ? 1.0F : 0.0F};
  }

  [[noreturn]] void fail_diverged(const divergence& found) {
    keep_best();
    fail({"training diverged in epoch ", at_.epoch + 1, ", step ", at_.step + 1, ": ", found.what()});
  }

  /// Judges the weights on the validation samples, notes whether they are the best so far, and gives the epoch's
  /// record.
  [[gnu::cold]] epoch_record validate_epoch() {
    const auto start = clock::now();
    if (shown_) { shown_->begin_validation(val_samples_->size()); }
    judge_.set_weights(learner_.result());
    const auto show = [&](long done, auto&&...) {
      if (shown_) { shown_->update(done, progress_state::unknown, progress_state::unknown); }
    };
    const evaluation e = evaluate(judge_, *val_samples_, learner_.loss(), 0.5F, show, data_.labels);
    if (!is_finite(e.loss)) { fail_diverged(divergence{learner_.first_non_finite(batch_)}); }
    epoch_record record{.epoch = at_.epoch + 1,
                        .averaged = learner_.is_averaged() ? 1 : 0,
                        .seconds = at_.seconds + seconds_since(start),
                        .learning_rate = learner_.learning_rate(),
                        .train_loss = at_.loss_sum / static_cast<double>(at_.images),
                        .train_iou = at_.pixels.iou(),
                        .train_dice = at_.pixels.dice(),
                        .val_loss = e.loss,
                        .val_iou_mean = e.summary.iou_mean,
                        .val_iou_micro = e.summary.iou_micro,
                        .val_dice_mean = e.summary.dice_mean,
                        .val_accuracy = e.summary.accuracy,
                        .images_per_second = static_cast<double>(at_.images) / at_.seconds,
                        .waiting = at_.waited / at_.seconds};
    const std::vector<std::string> names = classes_in_log(data_);
    for (std::size_t k = 0; k < names.size(); ++k) { record.classes.push_back({names[k], e.classes[k].iou_mean}); }
    at_.rate.validated(record.val_iou_mean);
    at_.stop.validated(record.val_iou_mean);
    const bool is_best = record.val_iou_mean > at_.best_iou;
    if (is_best) {
      at_.best_iou = record.val_iou_mean;
      at_.best_epoch = record.epoch;
      best_ = best_weights{record, {}};
    }
    if (shown_) { shown_->end_epoch(summary_line(record, recipe_.epochs, is_best)); }
    return record;
  }

  /// Writes the best weights, if they are new, the checkpoint, and then the curves.
  [[gnu::cold]] void keep(const training_log& log) {
    const auto start = clock::now();
    keep_best();
    checkpoint state;
    try {
      learner_.save(state);
    } catch (const divergence& found) { fail_diverged(found); }  // of a GPU's last step, which tells then
    files_->save(std::move(state), at_, learner_.current().network().fingerprint);
    files_->draw_curves(log);
    seconds_to_keep_ = seconds_since(start);
    kept_at_ = clock::now();
  }
  /// Where epochs are short beside the writing, not each of them is written: that takes a twentieth of the time at
  /// most.
  bool is_time_to_keep() const { return seconds_since(kept_at_) >= 19 * seconds_to_keep_; }

  [[gnu::cold]] void keep_best() {
    if (!best_) { return; }
    save_weights(files_->weights(), best_->values ? *best_->values : learner_.result(),
                 files_->card_of_weights(run_.card, data_, best_->record));
    best_.reset();
  }

  [[gnu::cold]] void restore() {
    const checkpoint state = files_->load(learner_.current().network().fingerprint);
    at_ = files_->state_in(state);
    try {
      learner_.restore(state);
    } catch (const error& wrong) { fail({files_->checkpoint().string(), ": ", wrong.what()}); }
  }

  static constexpr std::uint64_t purpose_dropout = 3;

  recipe recipe_;
  run_options run_;
  dataset data_;
  split parts_;
  session<Network, frugal<Backend>> judge_;  // before the learner, which judges what memory is left for a training
  learner<Network, Backend> learner_;
  feed_choice feed_;

  training_state at_;
  std::optional<run_folder> files_;  // of `run`, as what follows
  std::optional<loader> train_samples_, val_samples_;
  std::optional<progress> shown_;
  batch batch_;

  struct best_weights {
    epoch_record record;
    std::optional<weights<Network>> values;  // none: they are the learner's
  };
  std::optional<best_weights> best_;  // that are not written yet
  clock::time_point kept_at_ = clock::now();
  double seconds_to_keep_ = 0;
};

}  // namespace segx
