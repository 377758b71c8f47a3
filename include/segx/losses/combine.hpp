#pragma once

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/losses/loss.hpp>
#include <segx/losses/options.hpp>

namespace segx {

/// factor · inner. Written `0.5 * segx::jaccard`.
template <loss L>
struct scaled_loss {
  double factor = 1;
  L inner{};

  std::string text() const {
    const std::string of = inner.text();
    const bool is_sum = of.find('+') != std::string::npos;
    return joined({detail::text_of(factor), "*", is_sum ? joined({"(", of, ")"}) : of});
  }
  constexpr loss_facts facts() const { return detail::facts_of(inner); }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(loss_call<T> call) const {
    call.weight *= factor;
    return factor * detail::compute(inner, call);
  }
  void add_parts(double outer, std::vector<loss_part>& to) const { detail::add_parts(inner, outer * factor, to); }
};

namespace detail {

constexpr bool read_alike(loss_facts a, loss_facts b) { return !a.reads || !b.reads || *a.reads == *b.reads; }

}  // namespace detail

/// left + right. Written `segx::bce + segx::jaccard`; sums nest to the left, as C++ does.
template <loss Left, loss Right>
struct loss_sum {
  Left left{};
  Right right{};

  std::string text() const { return joined({left.text(), "+", right.text()}); }
  constexpr loss_facts facts() const {
    const loss_facts a = detail::facts_of(left);
    const loss_facts b = detail::facts_of(right);
    return {a.reads ? a.reads : b.reads, a.weighs_pixels && b.weighs_pixels};
  }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    const double left_loss = detail::compute(left, call);
    return left_loss + detail::compute(right, call);
  }
  void add_parts(double factor, std::vector<loss_part>& to) const {
    detail::add_parts(left, factor, to);
    detail::add_parts(right, factor, to);
  }
};

template <loss L>
constexpr scaled_loss<L> operator*(double factor, L inner) {
  return {factor, inner};
}

template <loss Left, loss Right>
constexpr loss_sum<Left, Right> operator+(Left left, Right right) {
  if constexpr (detail::known_facts<Left> && detail::known_facts<Right>) {
    static_assert(detail::read_alike(detail::facts_of(Left{}), detail::facts_of(Right{})),
                  "one loss of the sum reads logits by a sigmoid, the other by a softmax, but a network has one of "
                  "them: take the softmax losses for classes that exclude each other (cross_entropy, softmax_dice), "
                  "else those of the sigmoid (bce, dice)");
  } else if (!detail::read_alike(detail::facts_of(left), detail::facts_of(right))) {
    fail({left.text(), "+", right.text(),
          ": one of them reads logits by a sigmoid, the other by a softmax; take losses of one kind"});
  }
  return {left, right};
}

}  // namespace segx
