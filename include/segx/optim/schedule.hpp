#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/optim/patience.hpp>

// How the learning rate moves during a training: a shape, such as `cosine_rate`, behind a linear warm-up.

namespace segx {

/// The place of a step in a training. Schedules count in epochs, of which a step is a part.
struct training_time {
  std::int64_t step = 0;  ///< steps that are done, in all epochs
  std::int64_t steps_per_epoch = 1;
  int epochs = 1;
  double warm_up = 0;  ///< epochs of it

  double epoch() const { return static_cast<double>(step) / static_cast<double>(steps_per_epoch); }

  /// Share of what follows the warm-up that is done, in [0,1).
  double share() const;
};

/// The base rate throughout.
struct constant_rate {
  double operator()(double base, const training_time&) const { return base; }
  std::string text() const { return "constant"; }
};

/// base · gammaⁿ behind the n-th milestone, an epoch of the training; the warm-up counts.
struct step_rate {
  std::vector<double> milestones;  // ascending
  double gamma = 0.1;

  double operator()(double base, const training_time& t) const;

  std::string text() const;
};

/// base · ½ (1 + cos π s), s the share of the training behind the warm-up: half a cosine, to zero at the end.
/// Source: Loshchilov & Hutter, "SGDR", ICLR 2017, arXiv:1608.03983, without restarts.
struct cosine_rate {
  double operator()(double base, const training_time& t) const;
  std::string text() const { return "cosine"; }
};

/// base · (1 − s)^power, s the share of the training behind the warm-up. Source: Chen et al., "DeepLab", 2017,
/// arXiv:1606.00915, where power is 0.9.
struct poly_rate {
  double power = 0.9;

  double operator()(double base, const training_time& t) const { return base * std::pow(1 - t.share(), power); }
  std::string text() const { return joined({"poly(", power, ")"}); }
};

/// base · factorⁿ, but not below `least`, where n counts the times that the validation's score did not rise for more
/// than `patience` epochs. As PyTorch's ReduceLROnPlateau with mode "max" and threshold 0. What it has seen is in
/// `seen` and `reductions`: a checkpoint keeps them.
struct plateau_rate {
  double factor = 0.5;
  int epochs = 5;    // that it waits
  double least = 0;  // learning rate

  patience seen{};
  int reductions = 0;

  double operator()(double base, const training_time&) const {
    return std::max(base * std::pow(factor, reductions), std::min(least, base));
  }

  void validated(double score);

  std::string text() const { return joined({"plateau(", factor, ",", epochs, ",", least, ")"}); }
};

/// One of the shapes behind a warm-up of so many epochs, in which the rate grows linearly from step to step, up to
/// that of the shape:   rate = shape · min(1, (step + 1) / steps of the warm-up)
///
/// Source of the warm-up: Goyal et al., "Accurate, large minibatch SGD", 2017, arXiv:1706.02677.
struct schedule {
  std::variant<constant_rate, step_rate, cosine_rate, poly_rate, plateau_rate> shape{};
  double warm_up = 0;  // epochs

  /// The learning rate of the step at this time, whose `warm_up` does not matter.
  double operator()(double base, training_time t) const;

  /// An epoch's score of the validation; higher is better.
  void validated(double score) {
    if (plateau_rate* plateau = std::get_if<plateau_rate>(&shape)) { plateau->validated(score); }
  }

  /// As `parse_schedule` reads it, without the warm-up.
  std::string text() const {
    return std::visit([](const auto& s) { return s.text(); }, shape);
  }
};

/// The schedule that a text such as "cosine", "step(30,60;0.1)", "poly(0.9)" or "plateau(0.5,5)" describes, behind so
/// many epochs of warm-up. Throws `error` with what is expected for anything else.
schedule parse_schedule(std::string_view text, double warm_up = 0);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/optim/impl/schedule.hpp>
#endif
