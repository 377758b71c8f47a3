#pragma once

#include <segx/optim/moments.hpp>

namespace segx::detail {

/// What Adam and AdamW share, which is all but their options and how the weights decay. Its state is all first moments,
/// then all second ones: twice as many numbers as parameters.
template <std::floating_point T, class Options, decay How>
class moment_optimizer {
 public:
  using options = Options;
  static constexpr std::string_view name = How == decay::decoupled ? "adamw" : "adam";

  moment_optimizer(options o, std::size_t parameters)
      : options_(o), groups_(parameters), moments_{.parameters = parameters} {
    expect_moment_options(name, o);
  }

  void step(std::span<T> weights, std::span<const T> gradients) {
    expect_parameters(name, groups_.parameters(), weights.size(), gradients.size());
    moments_.step(weights, gradients, groups_.all(), options_, How);
  }

  step_rule begin_step() requires std::same_as<T, float> { return moments_.begin_step(groups_.all(), options_, How); }

  void set_groups(std::vector<parameter_group> groups) { groups_.set(name, std::move(groups)); }
  std::span<T> state() { return moments_.values; }
  std::int64_t steps() const { return moments_.steps; }
  void set_steps(std::int64_t steps) { moments_.steps = steps; }
  double learning_rate() const { return options_.learning_rate; }
  void set_learning_rate(double rate) {
    expect_amount(name, "learning_rate", rate);
    options_.learning_rate = rate;
  }

 private:
  options options_;
  parameter_groups groups_;
  moments<T> moments_;
};

}  // namespace segx::detail
