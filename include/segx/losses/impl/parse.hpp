#pragma once

#include <charconv>
#include <cmath>

#include <segx/core/impl.hpp>
#include <segx/losses/parse.hpp>

namespace segx {

namespace detail {

SEGX_IMPL any_loss loss_parser::parse() {
  if (text_.size() > 1000) { throw error("the text of the loss is longer than 1000 characters; shorten it"); }
  any_loss whole = sum();
  if (!rest_.empty()) { fail("'" + std::string(rest_) + "' is left over"); }
  return whole;
}

SEGX_IMPL any_loss loss_parser::sum() {
  any_loss total = term();
  while (accept("+")) { total = total + term(); }
  return total;
}

SEGX_IMPL any_loss loss_parser::term() {
  skip_spaces();
  const bool has_factor = !rest_.empty() && (is_digit(rest_.front()) || rest_.front() == '.' || rest_.front() == '-');
  if (has_factor) {
    const double factor = number("a weight", range::positive);
    expect("*");
    return factor * term();
  }
  if (accept("(")) {
    any_loss inner = sum();
    expect(")");
    return inner;
  }
  return named();
}

SEGX_IMPL void loss_parser::read(std::string_view option, std::vector<double>& values, range numbers) {
  values.clear();
  if (!accept("[")) {
    values.push_back(number(option, numbers));
    return;
  }
  do { values.push_back(number(option, numbers)); } while (accept(","));
  expect("]");
}

SEGX_IMPL double loss_parser::number(std::string_view what, range numbers) {
  skip_spaces();
  double value = 0;
  const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  if (problem != std::errc{} || !std::isfinite(value) || !lies_in(numbers, value)) {
    fail(std::string(what) + " must be " + std::string(text_of(numbers)));
  }
  rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
  skip_spaces();
  return value;
}

SEGX_IMPL std::string_view loss_parser::peek_word() {
  skip_spaces();
  std::size_t length = 0;
  while (length < rest_.size() && is_letter(rest_[length])) { ++length; }
  return rest_.substr(0, length);
}

SEGX_IMPL bool loss_parser::accept(std::string_view token) {
  skip_spaces();
  if (!rest_.starts_with(token)) { return false; }
  rest_.remove_prefix(token.size());
  skip_spaces();
  return true;
}

}  // namespace detail

SEGX_IMPL any_loss parse_loss(std::string_view text) { return detail::loss_parser(text).parse(); }

}  // namespace segx
