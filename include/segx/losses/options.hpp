#pragma once

#include <array>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segx/core/joined.hpp>
#include <segx/losses/over.hpp>

/// A loss with options lists them once, for its text and for `parse_loss`:
///
///   static constexpr std::string_view name = "tversky";
///   static void options(auto& loss, auto&& option) {
///     option("alpha", loss.alpha, range::not_negative);   // a number or a list of numbers, which lie in a range
///     option("over", loss.over);                          // a word
///   }
namespace segx::detail {

enum class range { positive, not_negative, fraction };  ///< (0,∞), [0,∞), [0,1)

constexpr bool lies_in(range r, double number) {
  return r == range::positive ? number > 0 : number >= 0 && (r == range::not_negative || number < 1);
}

constexpr std::string_view text_of(range r) {
  switch (r) {
    case range::positive:
      return "a finite number above 0";
    case range::not_negative:
      return "a finite number, 0 or above";
    default:
      return "a number from 0 to below 1";
  }
}

/// The words of an option that is no number.
template <class T>
constexpr std::array<std::pair<std::string_view, T>, 0> words{};
template <>
inline constexpr std::array<std::pair<std::string_view, over>, 4> words<over>{
    {{"batch", over::batch}, {"image", over::image}, {"channel", over::channel}, {"plane", over::plane}}};
template <>
inline constexpr std::array<std::pair<std::string_view, bool>, 2> words<bool>{{{"yes", true}, {"no", false}}};

/// Fifteen digits, in the same letters under every locale.
inline std::string text_of(double number) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(15);
  out << number;
  return out.str();
}

inline std::string text_of(const std::vector<double>& numbers) {
  std::string text = "[";
  for (const double number : numbers) {  // a sum of texts makes GCC 12 warn at -O3
    if (text.size() > 1) { text += ","; }
    text += text_of(number);
  }
  return text += "]";
}

template <class Word>
  requires(words<Word>.size() > 0)
std::string text_of(Word value) {
  for (const auto& [word, meaning] : words<Word>) {
    if (meaning == value) { return std::string(word); }
  }
  return {};
}

/// "name", or "name(smooth=1)" with the options that differ from their defaults.
template <class L>
std::string text_with_options(const L& l) {
  std::vector<std::string> defaults;
  const L untouched{};
  L::options(untouched, [&](std::string_view, const auto& value, auto...) { defaults.push_back(text_of(value)); });
  std::string text;
  std::size_t next = 0;
  L::options(l, [&](std::string_view option, const auto& value, auto...) {
    const std::string now = text_of(value);
    if (now != defaults[next++]) { text += joined({text.empty() ? "(" : ",", option, "=", now}); }
  });
  return joined({L::name, text.empty() ? "" : joined({text, ")"})});
}

}  // namespace segx::detail
