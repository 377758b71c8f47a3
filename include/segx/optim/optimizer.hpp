#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/optim/parameter_group.hpp>

namespace segx {

/// Moves weights against their gradients, over one flat span of all parameters.
///
///   o.step(weights, gradients)     one update; both as long as the optimizer was made for, else `error`
///   o.set_groups(groups)           which parameters it moves, and how; all of them alike until it is called
///   o.state()                      every number it remembers, for checkpoints
///   o.steps(), o.set_steps(n)      the count of its steps, for checkpoints, too
///   o.learning_rate(), o.set_learning_rate(r)
///   o.name                         "adam"
///
/// With state and count of steps copied into an optimizer made with equal options, training continues bit for bit.
///
/// Those of segx also have `o.begin_step()`, which counts a step and says what it does (step_rule.hpp), for a backend
/// that moves the weights itself.
///
/// Concrete optimizers are made from their options and the count of parameters: `adam{{.learning_rate = 1e-4},
/// 1'940'817}`. Equal input gives equal bits.
template <class O>
concept optimizer = requires(O o, const O made, std::span<float> weights, std::span<const float> gradients,
                             std::vector<parameter_group> groups) {
  { made.name } -> std::convertible_to<std::string_view>;
  o.step(weights, gradients);
  o.set_groups(groups);
  { o.state() } -> std::same_as<std::span<float>>;
  { made.steps() } -> std::same_as<std::int64_t>;
  o.set_steps(std::int64_t{});
  { made.learning_rate() } -> std::same_as<double>;
  o.set_learning_rate(double{});
};

namespace detail {

/// Throws unless `holds`: "adam: beta1 is 1.5, must be in [0,1)".
inline void expect_option(bool holds, std::string_view optimizer, std::string_view option, double value,
                          std::string_view range) {
  if (holds) { return; }
  fail({optimizer, ": ", option, " is ", value, ", must be ", range});
}

/// Finite and not negative.
inline void expect_amount(std::string_view optimizer, std::string_view option, double value) {
  expect_option(value >= 0 && value <= 1e30, optimizer, option, value, "a finite number, 0 or above");
}

inline void expect_parameters(std::string_view optimizer, std::size_t parameters, std::size_t weights,
                              std::size_t gradients) {
  if (weights == parameters && gradients == parameters) { return; }
  fail({optimizer, ": made for ", parameters, " parameters, but given ", weights, " weights and ", gradients,
        " gradients"});
}

}  // namespace detail
}  // namespace segx
