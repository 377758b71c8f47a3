#pragma once

#include <segx/losses/logistic.hpp>
#include <segx/losses/loss.hpp>

namespace segx {

/// Binary cross-entropy of logits z against a target t, mean over all elements:
///
///   L = 1/n Σ −t log p − (1 − t) log(1 − p) = 1/n Σ max(z, 0) − z t + log1p(exp(−|z|)),   p = sigmoid(z)
///   dL/dz = (p − t) / n
///
/// Finite for every finite z. The loss of the U-Net paper, arXiv:1505.04597, for two classes.
struct bce_loss {
  static constexpr std::string_view name = "bce";

  std::string text() const { return std::string(name); }

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target) const {
    detail::expect_same_shape(name, logits, target);
    double sum = 0;
    detail::for_each_block(logits.size(), [&, z = logits.data(), t = target.data()](std::size_t i, std::size_t count) {
      detail::block_of<T> e;
      detail::exp_minus_abs(z + i, e, count);
      sum += sum_of_losses(z + i, t + i, e, count);
    });
    return sum / static_cast<double>(logits.size());
  }

  template <class T>
  double operator()(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target, xt::xtensor<T, 4>& dlogits,
                    double weight = 1) const {
    detail::expect_same_shape(name, logits, target, &dlogits);
    const auto size = static_cast<double>(logits.size());
    const T scale = static_cast<T>(weight / size);
    double sum = 0;
    detail::for_each_block(logits.size(), [&, z = logits.data(), t = target.data(), dz = dlogits.data()](
                                              std::size_t i, std::size_t count) {
      detail::block_of<T> e;
      detail::exp_minus_abs(z + i, e, count);
      for (std::size_t j = 0; j < count; ++j) { dz[i + j] += scale * (detail::sigmoid_of(z[i + j], e[j]) - t[i + j]); }
      sum += sum_of_losses(z + i, t + i, e, count);
    });
    return sum / size;
  }

 private:
  template <class T>
  static double sum_of_losses(const T* z, const T* t, detail::block_of<T>& e, std::size_t count) {
    for (std::size_t j = 0; j < count; ++j) {
      e[j] = (z[j] + std::abs(z[j])) / 2 - z[j] * t[j] + detail::log1p_of_unit(e[j]);
    }
    double sum = 0;
    for (std::size_t j = 0; j < count; ++j) { sum += e[j]; }
    return sum;
  }
};

inline constexpr bce_loss bce{};

static_assert(loss<bce_loss>);

}  // namespace segx
