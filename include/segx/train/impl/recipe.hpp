#pragma once

#include <cmath>
#include <limits>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

namespace detail {

/// Without an exponent where it is a count; the largest seed is no double, but the next smaller number.
inline std::string text_in_recipe(double x) {
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  if (x == static_cast<double>(largest)) { return number_text(largest); }
  return std::abs(x) < 1e15 && x == std::floor(x) ? number_text(static_cast<std::int64_t>(x)) : number_text(x);
}

SEGX_IMPL_COLD std::string range_text(const recipe_field& field) {
  return joined({"from ", text_in_recipe(field.least), " to ", text_in_recipe(field.most)});
}

inline void expect_in_range(const recipe_field& field, const std::string& name, double value) {
  if (value >= field.least && value <= field.most) { return; }
  fail({name, " is ", text_in_recipe(value), ", must be ", range_text(field)});
}

}  // namespace detail

SEGX_IMPL_COLD recipe checked(recipe r) {
  for (const recipe_field& field : recipe_fields) {
    const std::string key{field.key};
    const auto check = [&]<class T>(const T& value) {
      if constexpr (detail::recipe_number<T>) {
        detail::expect_in_range(field, key, static_cast<double>(value));
      } else if constexpr (std::same_as<T, std::map<std::string, double>>) {
        for (const auto& [part, factor] : value) {
          detail::expect_in_range(field, std::string{key}.append(" of ").append(part), factor);
        }
      } else if constexpr (std::same_as<T, std::optional<int>> || std::same_as<T, std::optional<double>>) {
        if (value) { detail::expect_in_range(field, key, static_cast<double>(*value)); }
      }
    };
    std::visit([&](auto member) { check(r.*member); }, field.member);
  }
  if (r.warm_up >= r.epochs) {
    fail({"warm_up is ", r.warm_up, ", must be less than the ", r.epochs, " epochs of the training"});
  }
  r.schedule = parse_schedule(r.schedule).text();
  return r;
}

}  // namespace segx
