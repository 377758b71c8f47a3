#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <segx/core/error.hpp>

// Standard library only: a browser normalises as the training did.

namespace segx {

/// What a network is given of a pixel value x in [0,1]: (x − mean) / deviation, for each channel (red, green, blue; a
/// gray image has the first alone). By default the value itself.
struct normalisation {
  std::array<float, 3> mean{0, 0, 0};
  std::array<float, 3> deviation{1, 1, 1};

  constexpr float operator()(float x, int channel) const { return (x - mean[channel]) / deviation[channel]; }

  friend constexpr bool operator==(const normalisation&, const normalisation&) = default;

  /// [0,1], as it is.
  static constexpr normalisation unit() { return {}; }

  /// [−1,1]: bytes / 127.5 − 1, as TensorFlow's networks have it.
  static constexpr normalisation minus_one_to_one() { return {{0.5F, 0.5F, 0.5F}, {0.5F, 0.5F, 0.5F}}; }

  /// Mean and deviation of ImageNet's photographs, as PyTorch's networks have it.
  static constexpr normalisation imagenet() { return {{0.485F, 0.456F, 0.406F}, {0.229F, 0.224F, 0.225F}}; }
};

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

/// " 0.485 0.456 0.406": three numbers, or one for all channels.
inline std::optional<std::array<float, 3>> three_numbers(std::string_view words) {
  std::array<float, 3> numbers{};
  const std::string text{words};
  const char* at = text.c_str();
  std::size_t count = 0;
  for (char* end = nullptr; *at != '\0'; at = end, ++count) {
    const float number = std::strtof(at, &end);  // std::from_chars of numbers is missing in the browser's library
    if (end == at || count == 3 || !std::isfinite(number)) return {};
    numbers[count] = number;
  }
  if (count == 1) numbers = {numbers[0], numbers[0], numbers[0]};
  return count == 1 || count == 3 ? std::optional{numbers} : std::nullopt;
}

}  // namespace detail

/// The normalisation that a text stands for: `unit`, `imagenet`, `minus_one_to_one`, or numbers for one or all channels
/// as in `mean 0.5 std 0.25`, `mean 0.485 0.456 0.406 std 0.229 0.224 0.225`; nothing for other texts.
inline std::optional<normalisation> find_normalisation(std::string_view text) {
  for (const auto& known : detail::named_normalisations)
    if (known.name == text) return known.value;
  const std::size_t middle = text.find(detail::deviation_word);
  if (!text.starts_with(detail::mean_word) || middle == text.npos) return {};
  const auto mean = detail::three_numbers(text.substr(detail::mean_word.size(), middle - detail::mean_word.size()));
  const auto deviation = detail::three_numbers(text.substr(middle + detail::deviation_word.size()));
  if (!mean || !deviation) return {};
  for (const float d : *deviation)
    if (!(d > 0)) return {};
  return normalisation{*mean, *deviation};
}

/// The same; other texts are an error.
inline normalisation parse_normalisation(std::string_view text) {
  if (const auto found = find_normalisation(text)) return *found;
  fail("the normalisation \"" + std::string{text} +
       "\" is not known; expected unit, imagenet, minus_one_to_one, or numbers such as \"mean 0.5 std 0.25\"");
}

/// The text that parse_normalisation reads, for a model card.
inline std::string text_of(const normalisation& n) {
  for (const auto& known : detail::named_normalisations)
    if (known.value == n) return std::string{known.name};
  const auto numbers = [](const std::array<float, 3>& values) {
    std::string text;
    for (const float value : values) {
      char digits[32];
      int precision = 1;  // the fewest that say the same
      do {
        std::snprintf(digits, sizeof digits, "%.*g", precision, static_cast<double>(value));
      } while (std::strtof(digits, nullptr) != value && ++precision <= 9);
      text += (text.empty() ? "" : " ") + std::string{digits};
    }
    return text;
  };
  return std::string{detail::mean_word} + numbers(n.mean) + std::string{detail::deviation_word} + numbers(n.deviation);
}

}  // namespace segx
