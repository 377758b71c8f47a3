#pragma once

#include <locale>
#include <sstream>

#include <segx/losses/loss.hpp>

namespace segx {

/// factor · inner. Written `0.5 * segx::jaccard`.
template <loss L>
struct scaled_loss {
  double factor = 1;
  L inner{};

  std::string text() const;

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target) const {
    return factor * inner(logits, target);
  }

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target, xt::xtensor<T, 4>& dlogits,
                    double weight = 1) const {
    return factor * inner(logits, target, dlogits, weight * factor);
  }
};

/// left + right. Written `segx::bce + segx::jaccard`; sums nest to the left, as C++ does.
template <loss Left, loss Right>
struct loss_sum {
  Left left{};
  Right right{};

  std::string text() const { return left.text() + "+" + right.text(); }

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target) const {
    return left(logits, target) + right(logits, target);
  }

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target, xt::xtensor<T, 4>& dlogits,
                    double weight = 1) const {
    const double left_loss = left(logits, target, dlogits, weight);
    return left_loss + right(logits, target, dlogits, weight);
  }
};

template <loss L>
constexpr scaled_loss<L> operator*(double factor, L inner) {
  return {factor, inner};
}

template <loss Left, loss Right>
constexpr loss_sum<Left, Right> operator+(Left left, Right right) {
  return {left, right};
}

namespace detail {

/// Fifteen digits, in the same letters under every locale.
inline std::string text_of(double number) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out.precision(15);
  out << number;
  return out.str();
}

}  // namespace detail

template <loss L>
std::string scaled_loss<L>::text() const {
  const std::string text = inner.text();
  const bool is_sum = text.find('+') != std::string::npos;
  const std::string product = detail::text_of(factor) + "*";
  return is_sum ? product + "(" + text + ")" : product + text;
}

}  // namespace segx
