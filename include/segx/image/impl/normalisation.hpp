#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/image/normalisation.hpp>

namespace segx {

namespace detail {

struct named_normalisation {
  std::string_view name;
  normalisation value;
};

inline constexpr named_normalisation named_normalisations[] = {
    {"unit", normalisation::unit()},
    {"imagenet", normalisation::imagenet()},
    {"minus_one_to_one", normalisation::minus_one_to_one()},
    {"gray values to [0,1]", normalisation::unit()}};  // in weight files of segx 0.1

inline constexpr std::string_view mean_word = "mean ", deviation_word = " std ";

/// A number that is all of a word, in the C locale's writing whatever the program's is.
inline std::optional<float> float_of(std::string_view word) {
#if defined(__cpp_lib_to_chars)
  return number_of<float>(word);
#else  // in the browser, where there is no other locale, and number_of would bring all of C++'s streams
  const std::string text{word};
  char* end = nullptr;
  const float value = std::strtof(text.c_str(), &end);
  return !text.empty() && *end == '\0' ? std::optional{value} : std::nullopt;
#endif
}

/// " 0.485 0.456 0.406": three numbers, or one for all channels.
inline std::optional<std::array<float, 3>> three_numbers(std::string_view words) {
  std::array<float, 3> numbers{};
  std::size_t count = 0;
  for (std::size_t at = words.find_first_not_of(' '); at < words.size();
       at = words.find_first_not_of(' ', at), ++count) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const std::optional<float> number = float_of(words.substr(at, end - at));
    if (!number || count == 3 || !std::isfinite(*number)) { return {}; }
    numbers[count] = *number;
    at = end;
  }
  if (count == 1) { numbers = {numbers[0], numbers[0], numbers[0]}; }
  return count == 1 || count == 3 ? std::optional{numbers} : std::nullopt;
}

inline std::optional<normalisation> read_normalisation(std::string_view text) {
  for (const auto& known : named_normalisations) {
    if (known.name == text) { return known.value; }
  }
  const std::size_t middle = text.find(deviation_word);
  if (!text.starts_with(mean_word) || middle == text.npos) { return {}; }
  const auto mean = three_numbers(text.substr(mean_word.size(), middle - mean_word.size()));
  const auto deviation = three_numbers(text.substr(middle + deviation_word.size()));
  if (!mean || !deviation) { return {}; }
  return normalisation{*mean, *deviation};
}

/// Whether pixels can be divided by its deviations.
inline bool divides(const normalisation& n) {
  return std::all_of(n.deviation.begin(), n.deviation.end(), [](float d) { return d > 0; });
}

}  // namespace detail

SEGX_IMPL_COLD std::optional<normalisation> find_normalisation(std::string_view text) {
  const std::optional<normalisation> found = detail::read_normalisation(text);
  return found && detail::divides(*found) ? found : std::nullopt;
}

SEGX_IMPL_COLD normalisation parse_normalisation(std::string_view text) {
  const std::optional<normalisation> found = detail::read_normalisation(text);
  if (!found) {
    fail({"the normalisation \"", text,
          "\" is not known; expected unit, imagenet, minus_one_to_one, or numbers such as \"mean 0.5 std 0.25\""});
  }
  if (!detail::divides(*found)) { fail({"the normalisation \"", text, "\" divides by nothing: std must be above 0"}); }
  return *found;
}

SEGX_IMPL_COLD std::string text_of(const normalisation& n) {
  for (const auto& known : detail::named_normalisations) {
    if (known.value == n) { return std::string{known.name}; }
  }
  const auto numbers = [](const std::array<float, 3>& values) {
    std::string text;
    for (const float value : values) { text += joined({text.empty() ? "" : " ", number_text(value)}); }
    return text;
  };
  return joined({detail::mean_word, numbers(n.mean), detail::deviation_word, numbers(n.deviation)});
}

}  // namespace segx
