#pragma once

#include <charconv>
#include <cmath>

#include <segx/losses/any_loss.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/jaccard.hpp>

namespace segx {
namespace detail {

/// Reads    sum  = term { "+" term }
///          term = [ number "*" ] ( name [ "(" "smooth" "=" number ")" ] | "(" sum ")" )
/// with spaces anywhere between; every number is finite and above 0.
class loss_parser {
 public:
  explicit loss_parser(std::string_view text) : text_(text), rest_(text) {}

  any_loss parse() {
    if (text_.size() > 1000) { throw error("the text of the loss is longer than 1000 characters; shorten it"); }
    any_loss whole = sum();
    if (!rest_.empty()) { fail("'" + std::string(rest_) + "' is left over"); }
    return whole;
  }

 private:
  any_loss sum() {
    any_loss total = term();
    while (accept("+")) { total = total + term(); }
    return total;
  }

  any_loss term() {
    skip_spaces();
    const bool has_factor = !rest_.empty() && (is_digit(rest_.front()) || rest_.front() == '.' || rest_.front() == '-');
    if (!has_factor) { return factor_free(); }
    const double factor = number("a weight");
    expect("*");
    return factor * factor_free();
  }

  any_loss factor_free() {
    if (accept("(")) {
      any_loss inner = sum();
      expect(")");
      return inner;
    }
    std::size_t length = 0;
    while (length < rest_.size() && is_letter(rest_[length])) { ++length; }
    const std::string_view name = rest_.substr(0, length);
    if (name.empty()) { fail("the name of a loss is missing"); }
    if (!is_known(name)) { fail("no loss is called '" + std::string(name) + "'"); }
    rest_.remove_prefix(length);
    if (name == jaccard.name) { return jaccard_loss<over::batch>{smooth()}; }
    if (name == jaccard_per_image.name) { return jaccard_loss<over::image>{smooth()}; }
    if (name == dice.name) { return dice_loss<over::batch>{smooth()}; }
    if (name == dice_per_image.name) { return dice_loss<over::image>{smooth()}; }
    return bce;
  }

  static bool is_known(std::string_view name) {
    return name == bce.name || name == jaccard.name || name == jaccard_per_image.name || name == dice.name ||
           name == dice_per_image.name;
  }

  double smooth() {
    if (!accept("(")) { return paper_smooth; }
    expect("smooth");
    expect("=");
    const double value = number("smooth");
    expect(")");
    return value;
  }

  double number(std::string_view what) {
    skip_spaces();
    double value = 0;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (problem != std::errc{} || !std::isfinite(value) || value <= 0) {
      fail(std::string(what) + " must be a finite number above 0");
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    skip_spaces();
    return value;
  }

  bool accept(std::string_view token) {
    skip_spaces();
    if (!rest_.starts_with(token)) { return false; }
    rest_.remove_prefix(token.size());
    skip_spaces();
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) { fail("'" + std::string(token) + "' is missing"); }
  }

  void skip_spaces() {
    while (rest_.starts_with(' ')) { rest_.remove_prefix(1); }
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c); }

  [[noreturn]] void fail(const std::string& why) const {
    const std::size_t character = text_.size() - rest_.size() + 1;
    throw error(
        "loss '" + std::string(text_) + "', character " + std::to_string(character) + ": " + why +
        "; write a sum of bce, jaccard, jaccard_per_image, dice and dice_per_image with optional weights, such as "
        "bce+0.5*jaccard or dice(smooth=1)");
  }

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace detail

/// The loss that a text such as "bce+0.5*jaccard" or "0.3*bce + dice_per_image(smooth=1)" describes, as `text()` of a
/// loss writes it. Throws `error` with the known names for anything else.
inline any_loss parse_loss(std::string_view text) { return detail::loss_parser(text).parse(); }

}  // namespace segx
