#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/border_weight.hpp>
#include <segx/losses/boundary.hpp>
#include <segx/losses/class_balance.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/cross_entropy.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/focal.hpp>
#include <segx/losses/focal_tversky.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/losses/lovasz.hpp>
#include <segx/losses/parse.hpp>
#include <segx/losses/tversky.hpp>
#include <segx/losses/weighted.hpp>

namespace segx {

namespace detail {

/// Reads    sum     = term { "+" term }
///          term    = { ( number | weights ) "*" } ( loss | "(" sum ")" )
///          loss    = name [ "(" option { "," option } ")" ], and weights alike
///          option  = name "=" ( number | "[" number { "," number } "]" | word )
/// with spaces anywhere between. Numbers are finite; the weight of a term is above 0.
class loss_parser {
 public:
  explicit loss_parser(std::string_view text) : text_(text), rest_(text) {}

  any_loss parse() {
    if (text_.size() > 1000) { fail("the text of the loss is longer than 1000 characters; shorten it"); }
    any_loss whole = sum();
    if (!rest_.empty()) { refuse(joined({"'", rest_, "' is left over"})); }
    return whole;
  }

  struct row {
    std::string_view name;
    any_loss (*read)(loss_parser&);  // what stands behind the name
  };

  static constexpr auto losses();
  static constexpr auto weights();

 private:
  /// A loss with the options of `Start` but those that the text names.
  template <const auto& Start>
  static any_loss loss_like(loss_parser& p) {
    auto l = Start;
    p.read_options(l);
    return l;
  }

  template <class W>
  static any_loss weighted_by(loss_parser& p) {
    W w;
    p.read_options(w);
    p.expect("*");
    return w * p.term();
  }

  any_loss sum() {
    any_loss total = term();
    while (accept("+")) { total = total + term(); }
    return total;
  }

  any_loss term() {
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

  any_loss named();

  template <class Options>
  void read_options(Options& all) {
    if (!accept("(")) { return; }
    do {
      const std::string_view name = peek_word();
      bool found = false;
      std::string known;
      Options::options(all, [&](std::string_view option, auto& value, auto... numbers) {
        known += joined({known.empty() ? "" : ", ", option});
        if (option != name) { return; }
        found = true;
        rest_.remove_prefix(name.size());
        expect("=");
        read(option, value, numbers...);
      });
      if (!found) {
        refuse(joined({name.empty() ? "the name of an option is missing" : joined({"no option is called '", name, "'"}),
                       "; ", Options::name, known.empty() ? " has none" : joined({" has ", known})}));
      }
    } while (accept(","));
    expect(")");
  }

  void read(std::string_view option, double& value, range numbers) { value = number(option, numbers); }

  void read(std::string_view option, std::vector<double>& values, range numbers) {
    values.clear();
    if (!accept("[")) {
      values.push_back(number(option, numbers));
      return;
    }
    do { values.push_back(number(option, numbers)); } while (accept(","));
    expect("]");
  }

  template <class Word>
  void read(std::string_view option, Word& value) {
    const std::string_view given = peek_word();
    std::string known;
    for (const auto& [word, meaning] : words<Word>) {
      if (word == given) {
        value = meaning;
        rest_.remove_prefix(given.size());
        return;
      }
      known += joined({known.empty() ? "" : ", ", word});
    }
    refuse(joined({option, " must be one of ", known}));
  }

  double number(std::string_view what, range numbers) {
    skip_spaces();
    double value = 0;
    const std::size_t length = read_number(rest_, value);
    if (length == 0 || !std::isfinite(value) || !lies_in(numbers, value)) {
      refuse(joined({what, " must be ", text_of(numbers)}));
    }
    rest_.remove_prefix(length);
    skip_spaces();
    return value;
  }

  std::string_view peek_word() {
    skip_spaces();
    std::size_t length = 0;
    while (length < rest_.size() && is_letter(rest_[length])) { ++length; }
    return rest_.substr(0, length);
  }

  bool accept(std::string_view token) {
    skip_spaces();
    if (!rest_.starts_with(token)) { return false; }
    rest_.remove_prefix(token.size());
    skip_spaces();
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) { refuse(joined({"'", token, "' is missing"})); }
  }

  void skip_spaces() {
    while (rest_.starts_with(' ')) { rest_.remove_prefix(1); }
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c); }

  [[noreturn]] void refuse(const std::string& why) const;

  std::string_view text_;
  std::string_view rest_;
};

/// A new loss is one line here.
constexpr auto loss_parser::losses() {
  return std::array{
      row{"bce", loss_like<bce>},
      row{"jaccard", loss_like<jaccard>},
      row{"jaccard_per_image", loss_like<jaccard_per_image>},
      row{"dice", loss_like<dice>},
      row{"dice_per_image", loss_like<dice_per_image>},
      row{"tversky", loss_like<tversky>},
      row{"focal_tversky", loss_like<focal_tversky>},
      row{"focal", loss_like<focal>},
      row{"lovasz_hinge", loss_like<lovasz_hinge>},
      row{"boundary", loss_like<boundary>},
      row{"cross_entropy", loss_like<cross_entropy>},
      row{"softmax_jaccard", loss_like<softmax_jaccard>},
      row{"softmax_dice", loss_like<softmax_dice>},
      row{"softmax_tversky", loss_like<softmax_tversky>},
      row{"softmax_focal_tversky", loss_like<softmax_focal_tversky>},
      row{"softmax_focal", loss_like<softmax_focal>},
      row{"lovasz_softmax", loss_like<lovasz_softmax>},
      row{"softmax_boundary", loss_like<softmax_boundary>},
  };
}

/// What weighs the pixels of a loss.
constexpr auto loss_parser::weights() {
  return std::array{
      row{"class_balance", weighted_by<class_balance>},
      row{"border_weight", weighted_by<border_weight>},
  };
}

inline any_loss loss_parser::named() {
  const std::string_view name = peek_word();
  if (name.empty()) { refuse("the name of a loss is missing"); }
  const auto read_if_in = [&](const auto& table) -> std::optional<any_loss> {
    const auto found = std::find_if(table.begin(), table.end(), [&](const row& r) { return r.name == name; });
    if (found == table.end()) { return std::nullopt; }
    rest_.remove_prefix(name.size());
    return found->read(*this);
  };
  if (const std::optional<any_loss> l = read_if_in(losses())) { return *l; }
  if (const std::optional<any_loss> l = read_if_in(weights())) { return *l; }
  refuse(joined({"no loss is called '", name, "'"}));
}

inline void loss_parser::refuse(const std::string& why) const {
  const auto list = [](const auto& table) {
    std::string names;
    for (const row& r : table) { names += joined({names.empty() ? "" : ", ", r.name}); }
    return names;
  };
  const std::size_t character = text_.size() - rest_.size() + 1;
  fail({"loss '", text_, "', character ", character, ": ", why, "; write a sum of ", list(losses()),
        " with optional weights, such as bce+0.5*jaccard, ",
        "dice(over=image,smooth=1) or border_weight*bce; what weighs pixels is ", list(weights())});
}

}  // namespace detail

SEGX_IMPL_COLD any_loss parse_loss(std::string_view text) { return detail::loss_parser(text).parse(); }

}  // namespace segx
