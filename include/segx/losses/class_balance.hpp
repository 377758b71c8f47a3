#pragma once

#include <segx/losses/weighted.hpp>

namespace segx {

/// Weights by inverse frequency: in each channel, foreground and background weigh the same in all. With n pixels in the
/// channel over the batch, n₁ of them foreground,
///
///   w = n / (2 n₁) where the target is above ½,   n / (2 (n − n₁)) elsewhere
///
/// so that the mean weight is 1; where a channel has one of both only, it is ½.
struct class_balance {
  static constexpr std::string_view name = "class_balance";

  static void options(auto& /*weights*/, auto&& /*option*/) {}
  std::string text() const { return std::string(name); }

  template <class T>
  xt::xtensor<T, 4> operator()(const xt::xtensor<T, 4>& target) const {
    xt::xtensor<T, 4> weights = xt::xtensor<T, 4>::from_shape(target.shape());
    const loss_call<T> at{target, target};
    for (std::size_t k = 0; k < at.channels(); ++k) {
      std::size_t foreground = 0;
      for (std::size_t n = 0; n < at.images(); ++n) {
        const T* t = target.data() + at.at(n, k);
        for (std::size_t i = 0; i < at.plane(); ++i) { foreground += t[i] > T{0.5} ? 1 : 0; }
      }
      const auto all = static_cast<double>(at.images() * at.plane());
      const auto of_foreground = static_cast<T>(all / (2 * static_cast<double>(foreground)));
      const auto of_background = static_cast<T>(all / (2 * (all - static_cast<double>(foreground))));
      for (std::size_t n = 0; n < at.images(); ++n) {
        const T* t = target.data() + at.at(n, k);
        T* w = weights.data() + at.at(n, k);
        for (std::size_t i = 0; i < at.plane(); ++i) { w[i] = t[i] > T{0.5} ? of_foreground : of_background; }
      }
    }
    return weights;
  }
};

static_assert(pixel_weights<class_balance>);

}  // namespace segx
