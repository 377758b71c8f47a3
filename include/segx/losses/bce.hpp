#pragma once

#include <segx/losses/class_weights.hpp>
#include <segx/losses/logistic.hpp>
#include <segx/losses/loss.hpp>
#include <segx/losses/options.hpp>

namespace segx {

/// Binary cross-entropy of logits z against a target t, mean over all elements:
///
///   L = 1/n Σ −ω q log p − (1 − q) log(1 − p),   p = sigmoid(z),   q = (1 − ε) t + ε/2
///     = 1/n Σ (1 − q) z + (1 + (ω − 1) q) (max(−z, 0) + log1p(exp(−|z|)))
///   dL/dz = (p (1 − q + ω q) − ω q) / n
///
/// Finite for every finite z. ω weighs what is foreground, as PyTorch's pos_weight. The loss of the U-Net paper,
/// arXiv:1505.04597, for two classes, here for each channel by itself; its weights of pixels are in border_weight.hpp.
struct bce_loss {
  static constexpr std::string_view name = "bce";

  std::vector<double> pos_weight{};  ///< ω of each channel, or one for all; empty: 1
  double smoothing = 0;              ///< ε ∈ [0,1)

  static void options(auto& loss, auto&& option) {
    option("pos_weight", loss.pos_weight, detail::range::positive);
    option("smoothing", loss.smoothing, detail::range::fraction);
  }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = probability::sigmoid, .weighs_pixels = true}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    detail::expect_weights(name, "pos_weight", pos_weight, call.channels());
    const auto size = static_cast<double>(call.logits.size());
    const T scale = static_cast<T>(call.weight / size);
    const T keep = static_cast<T>(1 - smoothing);
    const T add = static_cast<T>(smoothing / 2);
    double sum = 0;
    for (std::size_t n = 0; n < call.images(); ++n) {
      for (std::size_t k = 0; k < call.channels(); ++k) {
        const T omega = static_cast<T>(detail::weight_of(pos_weight, k));
        const T* factors = call.factors(n, k);
        const T* z = call.logits.data() + call.at(n, k);
        const T* t = call.target.data() + call.at(n, k);
        T* dz = call.dlogits ? call.dlogits->data() + call.at(n, k) : nullptr;
        detail::for_each_block(call.plane(), [=, &sum](std::size_t i, std::size_t count) {
          detail::block_of<T> e;
          detail::block_of<T> q;
          detail::block_of<T> w;
          detail::exp_minus_abs(z + i, e, count);
          for (std::size_t j = 0; j < count; ++j) { q[j] = keep * t[i + j] + add; }
          detail::read_factors(factors ? factors + i : nullptr, T{1}, w, count);
          if (dz) {
            for (std::size_t j = 0; j < count; ++j) {
              const T slope = detail::sigmoid_of(z[i + j], e[j]) * (1 - q[j] + omega * q[j]) - omega * q[j];
              dz[i + j] += scale * w[j] * slope;
            }
          }
          for (std::size_t j = 0; j < count; ++j) {
            const T minus_log_p = (std::abs(z[i + j]) - z[i + j]) / 2 + detail::log1p_of_unit(e[j]);
            e[j] = w[j] * ((1 - q[j]) * z[i + j] + (1 + (omega - 1) * q[j]) * minus_log_p);
          }
          for (std::size_t j = 0; j < count; ++j) { sum += e[j]; }
        });
      }
    }
    return sum / size;
  }
};

inline constexpr bce_loss bce{};

static_assert(loss<bce_loss>);

}  // namespace segx
