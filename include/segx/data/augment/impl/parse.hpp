#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/data/augment/parse.hpp>
#include <segx/io/json_text.hpp>

namespace segx {

namespace detail {

inline constexpr std::string_view in_turn_name = "in_turn";

SEGX_IMPL_COLD std::string known_names() {
  std::string names;
  for_each_augmentation([&](const auto& a) { names += joined({a.name, ", "}); });
  for (const auto& ready : ready_augmentations) { names += joined({ready.name, ", "}); }
  return joined({names, "sometimes(p, …), one_of(…) and in_turn(…)"});
}

/// Reads    list = item { "," item }
///          item = name [ "(" setting { "," setting } ")" ] | "sometimes(" number "," list ")"
///               | "one_of(" list ")" | "in_turn(" list ")"
///          setting = [ name "=" ] value
/// with spaces anywhere between.
class augmentation_parser {
 public:
  explicit augmentation_parser(std::string_view text) : text_(text), rest_(text) {}

  augment_in_turn parse() {
    if (text_.size() > 4000) { fail("the text of the augmentation is longer than 4000 characters; shorten it"); }
    skip_spaces();
    std::vector<any_augmentation> parts = list(0);
    if (!rest_.empty()) { refuse(joined({"'", rest_, "' is left over"})); }
    return augment_in_turn(std::move(parts));
  }

 private:
  std::vector<any_augmentation> list(int depth) {
    if (depth > 20) { refuse("brackets are nested too deeply"); }
    std::vector<any_augmentation> parts;
    do { parts.push_back(item(depth)); } while (accept(","));
    return parts;
  }

  any_augmentation item(int depth) {
    const std::string_view before = rest_;
    const std::string_view name = word();
    if (name.empty()) { refuse("the name of an augmentation is missing"); }
    if (name == sometimes::name) {
      expect("(");
      const double probability = number("the probability", 0, 1);
      expect(",");
      return in_brackets([&] { return sometimes(probability, augment_in_turn(list(depth + 1))); });
    }
    if (name == one_of::name || name == in_turn_name) {
      expect("(");
      return in_brackets([&]() -> any_augmentation {
        std::vector<any_augmentation> parts = list(depth + 1);
        if (name == in_turn_name) { return augment_in_turn(std::move(parts)); }
        return one_of(std::move(parts));
      });
    }
    for (const auto& ready : ready_augmentations) {
      if (name == ready.name) { return ready.make(); }
    }
    std::optional<any_augmentation> found;
    for_each_augmentation([&](auto a) {
      if (name == a.name) { found = settled(a); }
    });
    if (!found) {
      rest_ = before;
      refuse(joined({"nothing is called '", name, "'; known are ", known_names()}));
    }
    return *found;
  }

  template <class Read>
  any_augmentation in_brackets(const Read& read) {
    any_augmentation result = read();
    expect(")");
    return result;
  }

  /// An augmentation with the settings that follow its name.
  template <class A>
  any_augmentation settled(A a) {
    if (accept("(") && !accept(")")) {
      std::size_t position = 0;
      do { setting(a, position++); } while (accept(","));
      expect(")");
    }
    if constexpr (requires { a.refuses(); }) {
      if (const char* why = a.refuses()) { refuse(joined({A::name, ": ", why})); }
    }
    return a;
  }

  template <class A>
  void setting(A& a, std::size_t position) {
    const std::string_view before = rest_;
    std::string_view wanted = word();
    if (wanted.empty() || !accept("=")) {
      wanted = {};
      rest_ = before;
    }
    std::size_t index = 0;
    bool done = false;
    std::string names;
    const auto try_one = [&](const auto& s) {
      names += joined({names.empty() ? "" : ", ", s.name});
      const bool is_meant = wanted.empty() ? index == position : wanted == s.name;
      ++index;
      if (!is_meant) { return; }
      read_value(a.*s.place, joined({A::name, ": ", s.name}), s.low, s.high);
      done = true;
    };
    std::apply([&](const auto&... each) { (try_one(each), ...); }, A::settings());
    if (!done) {
      refuse(joined({A::name, names.empty() ? " has no settings" : joined({" has the settings ", names})}));
    }
  }

  void read_value(double& value, const std::string& what, double low, double high) { value = number(what, low, high); }

  void read_value(int& value, const std::string& what, double low, double high) {
    const std::string_view before = rest_;
    const double read = number(what, low, high);
    value = static_cast<int>(read);
    if (value != read) {
      rest_ = before;
      refuse(joined({what, " must be a whole number"}));
    }
  }

  void read_value(border& value, const std::string& what, double, double) {
    const std::string_view before = rest_;
    const std::string_view name = word();
    for (const border each : {border::reflect, border::black}) {
      if (name == value_text(each)) {
        value = each;
        return;
      }
    }
    rest_ = before;
    refuse(joined({what, " must be reflect or black"}));
  }

  double number(const std::string& what, double low, double high) {
    double value = 0;
    const std::size_t length = read_number(rest_, value);
    if (length == 0 || !(value >= low && value <= high)) {
      refuse(joined({what, " must be a number between ", value_text(low), " and ", value_text(high)}));
    }
    rest_.remove_prefix(length);
    skip_spaces();
    return value;
  }

  std::string_view word() {
    std::size_t length = 0;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    while (length < rest_.size() && is_letter(rest_[length])) { ++length; }
    const std::string_view found = rest_.substr(0, length);
    rest_.remove_prefix(length);
    skip_spaces();
    return found;
  }

  bool accept(std::string_view token) {
    if (!rest_.starts_with(token)) { return false; }
    rest_.remove_prefix(token.size());
    skip_spaces();
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) { refuse(joined({"'", token, "' is missing"})); }
  }

  void skip_spaces() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) { rest_.remove_prefix(1); }
  }

  [[noreturn]] void refuse(const std::string& why) const {
    fail({"augmentation '", text_, "', character ", text_.size() - rest_.size() + 1, ": ", why});
  }

  std::string_view text_;
  std::string_view rest_;
};

/// ["flip", "rotate(10)"] as one text.
inline std::string text_of_json_array(std::string_view json) {
  std::string joined, item;
  json_cursor at{json};
  const bool is_array = at.take_list('[', ']', [&] {
    if (!at.take_text(item)) { return false; }
    joined += (joined.empty() ? "" : ",") + item;
    return true;
  });
  at.skip_space();
  if (!is_array || !at.rest.empty()) {
    fail({"augmentation ", json, ": expected a JSON array of texts, such as [\"flip\", \"rotate(10)\"]"});
  }
  return joined.empty() ? std::string(no_augmentation::name) : joined;
}

}  // namespace detail

SEGX_IMPL_COLD augment_in_turn parse_augmentation(std::string_view text) {
  if (const std::size_t first = text.find_first_not_of(" \t\r\n"); first != text.npos && text[first] == '[') {
    const std::string joined = detail::text_of_json_array(text);
    return detail::augmentation_parser(joined).parse();
  }
  return detail::augmentation_parser(text).parse();
}

}  // namespace segx
