#pragma once

#include <cmath>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/number_text.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

namespace detail {

inline void expect_in_range(const recipe_field& field, const std::string& name, double value) {
  if (value >= field.least && value <= field.most) { return; }
  const auto text = [](double x) {  // without an exponent where it is a count
    return std::abs(x) < 1e15 && x == std::floor(x) ? number_text(static_cast<std::int64_t>(x)) : number_text(x);
  };
  fail({name, " is ", text(value), ", must be from ", text(field.least), " to ", text(field.most)});
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
