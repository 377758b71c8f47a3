#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/data/augment/augmentation.hpp>
#include <segx/data/augment/draw.hpp>

namespace segx {

namespace detail {

/// What a composition `Whole` is made of; its copy, which is one already, is not.
template <class Whole, class... Parts>
concept parts_of = !(sizeof...(Parts) == 1 && (std::same_as<Parts, Whole> && ...)) && (augmentation<Parts> && ...);

}  // namespace detail

/// Several augmentations, one after the other: `augment_in_turn{horizontal_flip{0.5}, rotate{10}, yours{}}`. Those that
/// move pixels and stand next to each other move them once.
class augment_in_turn {
 public:
  template <class... Parts>
    requires detail::parts_of<augment_in_turn, Parts...>
  explicit augment_in_turn(Parts... each) : parts_{any_augmentation(std::move(each))...} {}
  explicit augment_in_turn(std::vector<any_augmentation> parts) : parts_(std::move(parts)) {}

  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    for (const any_augmentation& part : parts_) { x = part(std::move(x), random); }
    return x;
  }

  /// "flip(0.5),rotate(10,reflect)"; of nothing "none".
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const any_augmentation& part : parts_) { text += (text.empty() ? "" : ",") + part.text(); }
    return text.empty() ? std::string(no_augmentation::name) : text;
  }

 private:
  std::vector<any_augmentation> parts_;
};

/// With a probability, several in turn: `sometimes{0.3, blur{1}}`.
class sometimes {
 public:
  static constexpr std::string_view name = "sometimes";

  template <augmentation... Parts>
  explicit sometimes(double probability, Parts... parts)
      : sometimes(probability, augment_in_turn(std::move(parts)...)) {}
  sometimes(double probability, augment_in_turn parts) : probability_(probability), parts_(std::move(parts)) {
    if (!(probability >= 0 && probability <= 1)) {
      fail({"sometimes: a probability must lie between 0 and 1, not ", detail::value_text(probability)});
    }
  }

  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    return random.uniform() < probability_ ? parts_(std::move(x), random) : x;
  }

  [[nodiscard]] std::string text() const {
    return joined({name, "(", detail::value_text(probability_), ",", parts_.text(), ")"});
  }

 private:
  double probability_;
  augment_in_turn parts_;
};

/// One of several, each equally likely: `one_of{brightness{0.2}, gamma_curve{0.8, 1.25}}`.
class one_of {
 public:
  static constexpr std::string_view name = "one_of";

  template <class... Parts>
    requires(sizeof...(Parts) > 0)
  &&detail::parts_of<one_of, Parts...> explicit one_of(Parts... each) : parts_{any_augmentation(std::move(each))...} {}
  explicit one_of(std::vector<any_augmentation> parts) : parts_(std::move(parts)) {
    if (parts_.empty()) { fail("one_of: there is nothing to choose from"); }
  }

  lazy_warp operator()(lazy_warp x, random_generator& random) const {
    return parts_[random.below(parts_.size())](std::move(x), random);
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (const any_augmentation& part : parts_) { text += (text.empty() ? "" : ",") + as_one(part.text()); }
    return joined({name, "(", text, ")"});
  }

 private:
  /// Several in turn as one choice.
  static std::string as_one(const std::string& text) {
    int depth = 0;
    for (const char c : text) {
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      if (c == ',' && depth == 0) { return joined({"in_turn(", text, ")"}); }
    }
    return text;
  }

  std::vector<any_augmentation> parts_;
};

}  // namespace segx
