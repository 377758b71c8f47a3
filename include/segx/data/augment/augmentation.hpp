#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/core/random.hpp>
#include <segx/data/augment/lazy_warp.hpp>

namespace segx {

/// A random change of an image and its mask together: a pure function of both and a generator. It leaves the pixels it
/// was given as they are (they may be a cache's), and a mask gets no label that it had not. Your own may as well be an
/// `image_and_mask operator()(image_and_mask, random_generator&) const`, or such a lambda.
template <class A>
concept augmentation = std::copy_constructible<A> && requires(const A& a, lazy_warp x, random_generator& random) {
  { a(x, random) } -> std::convertible_to<lazy_warp>;
};

/// A setting of an augmentation: its name in texts, its place, the values that it may have.
template <class A, class Value>
struct augmentation_setting {
  const char* name;
  Value A::*place;
  double low = 0, high = 0;  // of numbers
};
template <class A, class Value>
augmentation_setting(const char*, Value A::*, double, double) -> augmentation_setting<A, Value>;
template <class A, class Value>
augmentation_setting(const char*, Value A::*) -> augmentation_setting<A, Value>;

namespace detail {

/// An augmentation that texts can name: name and settings() are all that the parser and text_of know of it.
template <class A>
concept named_augmentation = augmentation<A> && requires {
  { A::name } -> std::convertible_to<std::string_view>;
  A::settings();
};

inline std::string value_text(border beyond) { return beyond == border::reflect ? "reflect" : "black"; }
inline std::string value_text(int value) { return std::to_string(value); }
inline std::string value_text(double value) { return number_text(value); }

}  // namespace detail

/// What parse_augmentation reads: the name and all settings, "scale(0.9,1.1,reflect)". Functions of yours are "custom".
template <augmentation A>
std::string text_of(const A& a) {
  if constexpr (requires {
                  { a.text() } -> std::convertible_to<std::string>;
                }) {
    return a.text();
  } else if constexpr (detail::named_augmentation<A>) {
    std::string values;
    std::apply(
        [&](const auto&... each) {
          ((values += (values.empty() ? "" : ",") + detail::value_text(a.*each.place)), ...);
        },
        A::settings());
    return joined({A::name, values.empty() ? "" : joined({"(", values, ")"})});
  } else {
    return "custom";
  }
}

/// Any augmentation, chosen at run time.
class any_augmentation {
 public:
  template <class A>
    requires(!std::same_as<A, any_augmentation> && augmentation<A>)
  any_augmentation(A a) : text_(text_of(a)), apply_(std::move(a)) {}

  lazy_warp operator()(lazy_warp x, random_generator& random) const { return apply_(std::move(x), random); }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::function<lazy_warp(lazy_warp, random_generator&)> apply_;
};

struct no_augmentation {
  static constexpr std::string_view name = "none";
  static constexpr auto settings() { return std::tuple{}; }
  lazy_warp operator()(lazy_warp x, random_generator&) const { return x; }
};

}  // namespace segx
