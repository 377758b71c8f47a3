#pragma once

#include <concepts>
#include <cstdint>
#include <variant>

#include <segx/io/checkpoint.hpp>
#include <segx/metrics/confusion.hpp>
#include <segx/optim/schedule.hpp>
#include <segx/train/early_stop.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// How far a training has come, beside its weights: with the seed, all that chance depends on, and all that decides
/// what comes next.
struct training_state {
  int epoch = 0;          // epochs that are done
  int batch = 0;          // batches of this epoch that are done
  std::int64_t step = 0;  // steps of all epochs
  double best_iou = -1;   // of validation, mean over images
  int best_epoch = 0;
  schedule rate{};
  early_stop stop{};

  double loss_sum = 0;  // of this epoch's images
  std::int64_t images = 0;
  confusion pixels{};
  double seconds = 0;  // of this epoch's training
  double waited = 0;   // of these, for images

  /// Before the first step.
  static training_state begin(const recipe& r) {
    return {.rate = parse_schedule(r.schedule, r.warm_up), .stop = {r.patience, r.min_delta}};
  }

  /// Whether the training that a recipe describes is done.
  bool is_over(const recipe& r) const { return epoch >= r.epochs || stop.is_time(); }

  void next_epoch() {
    ++epoch;
    batch = 0, loss_sum = 0, images = 0, pixels = {}, seconds = 0, waited = 0;
  }

  void save(checkpoint& to) {
    each([&]<class Number>(const char* name, const Number& value) {
      if constexpr (std::integral<Number>) {
        to.set(name, std::int64_t{value});
      } else {
        to.set(name, value);
      }
    });
  }

  void restore(const checkpoint& from) {
    each([&]<class Number>(const char* name, Number& value) { value = from.get<Number>(name); });
  }

 private:
  /// Calls visit(name, number) for each number that a checkpoint holds.
  template <class Visit>
  void each(Visit&& visit) {
    visit("epoch", epoch);
    visit("batch", batch);
    visit("step", step);
    visit("best_iou", best_iou);
    visit("best_epoch", best_epoch);
    if (auto* plateau = std::get_if<plateau_rate>(&rate.shape)) {
      visit("plateau_best", plateau->seen.best);
      visit("plateau_waited", plateau->seen.waited);
      visit("plateau_reductions", plateau->reductions);
    }
    visit("stop_best", stop.seen.best);
    visit("stop_waited", stop.seen.waited);
    visit("loss_sum", loss_sum);
    visit("images", images);
    visit("true_positive", pixels.true_positive);
    visit("false_positive", pixels.false_positive);
    visit("false_negative", pixels.false_negative);
    visit("true_negative", pixels.true_negative);
    visit("seconds", seconds);
    visit("waited", waited);
  }
};

}  // namespace segx
