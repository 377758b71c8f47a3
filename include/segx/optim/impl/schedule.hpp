#pragma once

#include <functional>
#include <optional>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/optim/schedule.hpp>

namespace segx {

SEGX_IMPL_COLD double training_time::share() const {
  const double skipped = warm_up * static_cast<double>(steps_per_epoch);
  const double all = static_cast<double>(epochs) * static_cast<double>(steps_per_epoch);
  return std::max(0.0, static_cast<double>(step) - skipped) / (all - skipped);
}

SEGX_IMPL_COLD double step_rate::operator()(double base, const training_time& t) const {
  const auto passed = std::upper_bound(milestones.begin(), milestones.end(), t.epoch()) - milestones.begin();
  return base * std::pow(gamma, static_cast<double>(passed));
}

SEGX_IMPL_COLD std::string step_rate::text() const {
  std::string all = "step(";
  for (const double milestone : milestones) { all += joined({milestone, ","}); }
  all.back() = ';';
  return joined({all, gamma, ")"});
}

SEGX_IMPL_COLD double cosine_rate::operator()(double base, const training_time& t) const {
  constexpr double pi = 3.141592653589793;
  return base * 0.5 * (1 + std::cos(pi * t.share()));
}

SEGX_IMPL_COLD void plateau_rate::validated(double score) {
  seen.see(score);
  if (seen.waited > epochs) {
    ++reductions;
    seen.waited = 0;
  }
}

SEGX_IMPL_COLD double schedule::operator()(double base, training_time t) const {
  t.warm_up = warm_up;
  const double steps = warm_up * static_cast<double>(t.steps_per_epoch);
  const double warmth = steps > 0 ? std::min(1.0, static_cast<double>(t.step + 1) / steps) : 1.0;
  return warmth * std::visit([&](const auto& s) { return s(base, t); }, shape);
}

namespace detail {

/// "30,60;0.1" → {{30, 60}, {0.1}}; nothing where something is no finite number.
inline std::optional<std::vector<std::vector<double>>> read_number_lists(std::string_view text) {
  std::vector<std::vector<double>> lists{{}};
  while (true) {
    while (text.starts_with(' ')) { text.remove_prefix(1); }
    double value = 0;
    const std::size_t length = read_number(text, value);
    if (length == 0 || !std::isfinite(value)) { return {}; }
    lists.back().push_back(value);
    text.remove_prefix(length);
    while (text.starts_with(' ')) { text.remove_prefix(1); }
    if (text.empty()) { return lists; }
    if (text.front() == ';') {
      lists.emplace_back();
    } else if (text.front() != ',') {
      return {};
    }
    text.remove_prefix(1);
  }
}

/// How a schedule is written, and what its numbers make; nothing if they make no sense.
struct schedule_form {
  using numbers = std::vector<std::vector<double>>;
  using shape = std::optional<decltype(schedule::shape)>;

  std::string_view name;
  std::string_view usage;
  shape (*make)(const numbers&);
};

inline bool is_share(double x) { return x > 0 && x < 1; }

/// All schedules: this table alone says what `parse_schedule` knows.
inline constexpr schedule_form schedule_forms[] = {
    {"constant", "constant",
     [](const schedule_form::numbers& n) -> schedule_form::shape {
       if (!n.empty()) { return {}; }
       return constant_rate{};
     }},
    {"step", "step(EPOCH,EPOCH,…;FACTOR) with rising epochs and a factor between 0 and 1, as step(30,60;0.1)",
     [](const schedule_form::numbers& n) -> schedule_form::shape {
       if (n.size() != 2 || n[1].size() != 1 || !is_share(n[1][0]) || n[0][0] <= 0) { return {}; }
       if (std::adjacent_find(n[0].begin(), n[0].end(), std::greater_equal<>{}) != n[0].end()) { return {}; }
       return step_rate{n[0], n[1][0]};
     }},
    {"cosine", "cosine",
     [](const schedule_form::numbers& n) -> schedule_form::shape {
       if (!n.empty()) { return {}; }
       return cosine_rate{};
     }},
    {"poly", "poly or poly(POWER) with a power above 0, as poly(0.9)",
     [](const schedule_form::numbers& n) -> schedule_form::shape {
       if (n.empty()) { return poly_rate{}; }
       if (n.size() != 1 || n[0].size() != 1 || n[0][0] <= 0) { return {}; }
       return poly_rate{n[0][0]};
     }},
    {"plateau",
     "plateau, plateau(FACTOR,EPOCHS) or plateau(FACTOR,EPOCHS,LEAST RATE) with a factor between 0 and 1, as "
     "plateau(0.5,5)",
     [](const schedule_form::numbers& n) -> schedule_form::shape {
       if (n.empty()) { return plateau_rate{}; }
       if (n.size() != 1 || n[0].size() < 2 || n[0].size() > 3 || !is_share(n[0][0])) { return {}; }
       const double epochs = n[0][1], least = n[0].size() == 3 ? n[0][2] : 0;
       if (epochs < 0 || epochs > 1e6 || epochs != std::floor(epochs) || least < 0) { return {}; }
       return plateau_rate{n[0][0], static_cast<int>(epochs), least};
     }},
};

}  // namespace detail

SEGX_IMPL_COLD schedule parse_schedule(std::string_view text, double warm_up) {
  const std::size_t open = text.find('(');
  const std::string_view name = text.substr(0, open);
  std::string known;
  for (const detail::schedule_form& form : detail::schedule_forms) {
    known.append(known.empty() ? "" : "; ").append(form.usage);
    if (form.name != name) { continue; }
    std::optional<detail::schedule_form::numbers> numbers{std::in_place};
    if (open != text.npos) {
      const bool is_closed = text.ends_with(')');
      numbers = is_closed ? detail::read_number_lists(text.substr(open + 1, text.size() - open - 2)) : std::nullopt;
    }
    if (const auto shape = numbers ? form.make(*numbers) : std::nullopt) { return {*shape, warm_up}; }
    fail({"schedule '", text, "': write ", form.usage});
  }
  fail({"no schedule is called '", name, "'; write one of: ", known});
}

}  // namespace segx
