#pragma once

#include <algorithm>
#include <limits>

#include <segx/losses/class_weights.hpp>
#include <segx/losses/options.hpp>
#include <segx/losses/softmax.hpp>

namespace segx {

/// Focal loss of the sigmoid p of logits, mean over all elements: cross-entropy in which what is right already counts
/// less,
///
///   L = 1/n Σ α t (1 − p)^γ (−log p) + (1 − α) (1 − t) p^γ (−log(1 − p))
///
/// with n elements. As (1 − p)^γ = exp(−γ b), where b = −log(1 − p) and a = −log p, its slopes are
///
///   d/dz (1 − p)^γ a = −(1 − p)^γ (γ p a + 1 − p)          d/dz p^γ b = p^γ (γ (1 − p) b + p)
///
/// and everything is finite for every finite z. γ = 0 with α = ½ is half the binary cross-entropy.
/// Source: Lin et al., arXiv:1708.02002.
struct focal_loss {
  static constexpr std::string_view name = "focal";

  double gamma = 2;
  double alpha = 0.25;  ///< of the foreground; the background has 1 − α

  static void options(auto& loss, auto&& option) {
    option("gamma", loss.gamma, detail::range::not_negative);
    option("alpha", loss.alpha, detail::range::fraction);
  }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = probability::sigmoid, .weighs_pixels = true}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    const auto size = static_cast<double>(call.logits.size());
    const T scale = static_cast<T>(call.weight / size);
    const T of_foreground = static_cast<T>(alpha);
    const T of_background = static_cast<T>(1 - alpha);
    const T exponent = static_cast<T>(gamma);
    double sum = 0;
    for (std::size_t n = 0; n < call.images(); ++n) {
      for (std::size_t k = 0; k < call.channels(); ++k) {
        const T* factors = call.factors(n, k);
        const T* z = call.logits.data() + call.at(n, k);
        const T* t = call.target.data() + call.at(n, k);
        T* dz = call.dlogits ? call.dlogits->data() + call.at(n, k) : nullptr;
        detail::for_each_block(call.plane(), [=, &sum](std::size_t i, std::size_t count) {
          detail::block_of<T> e;
          detail::block_of<T> a;
          detail::block_of<T> b;
          detail::block_of<T> w;
          detail::block_of<T> scaled{};
          detail::block_of<T> p_power;  // p^γ, then with all its factors but b
          detail::block_of<T> q_power;  // (1 − p)^γ, then with all its factors but a
          detail::exp_minus_abs(z + i, e, count);
          for (std::size_t j = 0; j < count; ++j) {
            const T common = detail::log1p_of_unit(e[j]);
            a[j] = (std::abs(z[i + j]) - z[i + j]) / 2 + common;
            b[j] = (std::abs(z[i + j]) + z[i + j]) / 2 + common;
          }
          for (std::size_t j = 0; j < count; ++j) { scaled[j] = exponent * a[j]; }
          detail::exp_minus_abs(scaled.data(), p_power, count);
          for (std::size_t j = 0; j < count; ++j) { scaled[j] = exponent * b[j]; }
          detail::exp_minus_abs(scaled.data(), q_power, count);
          detail::read_factors(factors ? factors + i : nullptr, T{1}, w, count);
          for (std::size_t j = 0; j < count; ++j) { p_power[j] *= w[j] * of_background * (1 - t[i + j]); }
          for (std::size_t j = 0; j < count; ++j) { q_power[j] *= w[j] * of_foreground * t[i + j]; }
          if (dz) {
            for (std::size_t j = 0; j < count; ++j) {
              const T p = detail::sigmoid_of(z[i + j], e[j]);
              const T q = detail::sigmoid_of(-z[i + j], e[j]);
              dz[i + j] += scale * (p_power[j] * (exponent * q * b[j] + p) - q_power[j] * (exponent * p * a[j] + q));
            }
          }
          for (std::size_t j = 0; j < count; ++j) { a[j] = q_power[j] * a[j] + p_power[j] * b[j]; }
          for (std::size_t j = 0; j < count; ++j) { sum += a[j]; }
        });
      }
    }
    return sum / size;
  }
};

/// Focal loss of the softmax p over channels, mean over pixels, for classes that exclude each other:
///
///   L = 1/n Σ_pixels Σ_k α_k t_k (1 − p_k)^γ (−log p_k)
///
/// With r_k = −log p_k / (1 − p_k), which tends to 1 as p_k does, and u_k = −α_k t_k (1 − p_k)^γ (γ p_k r_k + 1),
///
///   dL/dz_k = (u_k − p_k Σ_j u_j) / n
///
/// γ = 0 is cross_entropy without weights. Source: Lin et al., arXiv:1708.02002.
struct softmax_focal_loss {
  static constexpr std::string_view name = "softmax_focal";

  double gamma = 2;
  std::vector<double> alpha{};  ///< of each class, or one for all; empty: 1

  static void options(auto& loss, auto&& option) {
    option("gamma", loss.gamma, detail::range::not_negative);
    option("alpha", loss.alpha, detail::range::not_negative);
  }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = probability::softmax, .weighs_pixels = true}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    using detail::block;
    detail::expect_weights(name, "alpha", alpha, call.channels());
    const std::size_t channels = call.channels();
    const std::size_t plane = call.plane();
    const auto size = static_cast<double>(call.images() * plane);
    const T scale = static_cast<T>(call.weight / size);
    const T exponent = static_cast<T>(gamma);
    const T least = std::numeric_limits<T>::min();  // in place of 1 − p = 0, which has no logarithm
    detail::softmax_block<T> softmaxes{name, channels};
    std::vector<T> u(channels * block);
    double sum = 0;
    for (std::size_t n = 0; n < call.images(); ++n) {
      const T* image = call.logits.data() + call.at(n, 0);
      const T* target = call.target.data() + call.at(n, 0);
      detail::for_each_block(plane, [&](std::size_t i, std::size_t count) {
        softmaxes.read(image + i, plane, count);
        detail::block_of<T> all{};   // Σ u_k
        detail::block_of<T> lost{};  // of a pixel
        for (std::size_t k = 0; k < channels; ++k) {
          const T* p = softmaxes.p(k);
          const T* t = target + k * plane + i;
          const T* factors = call.factors(n, k);
          detail::block_of<T> q;
          detail::block_of<T> scaled{};
          detail::block_of<T> q_power;
          detail::block_of<T> w;
          detail::block_of<T> minus_log_p;
          softmaxes.minus_log_p(image + k * plane + i, minus_log_p, count);
          for (std::size_t j = 0; j < count; ++j) { q[j] = std::max(1 - p[j], least); }
          for (std::size_t j = 0; j < count; ++j) { scaled[j] = exponent * detail::log_of(q[j]); }
          detail::exp_minus_abs(scaled.data(), q_power, count);
          detail::read_factors(factors ? factors + i : nullptr, static_cast<T>(detail::weight_of(alpha, k)), w, count);
          for (std::size_t j = 0; j < count; ++j) { w[j] *= t[j] * q_power[j]; }
          for (std::size_t j = 0; j < count; ++j) { lost[j] += w[j] * minus_log_p[j]; }
          for (std::size_t j = 0; j < count; ++j) { w[j] *= -(exponent * p[j] * minus_log_p[j] / q[j] + 1); }
          for (std::size_t j = 0; j < count; ++j) { all[j] += w[j]; }
          std::copy_n(w.data(), count, u.data() + k * block);
        }
        for (std::size_t j = 0; j < count; ++j) { sum += lost[j]; }
        if (!call.dlogits) { return; }
        for (std::size_t k = 0; k < channels; ++k) {
          const T* p = softmaxes.p(k);
          const T* u_k = u.data() + k * block;
          T* dz = call.dlogits->data() + call.at(n, k) + i;
          for (std::size_t j = 0; j < count; ++j) { dz[j] += scale * (u_k[j] - p[j] * all[j]); }
        }
      });
    }
    return sum / size;
  }
};

inline constexpr focal_loss focal{};
inline constexpr softmax_focal_loss softmax_focal{};

static_assert(loss<focal_loss>);
static_assert(loss<softmax_focal_loss>);

}  // namespace segx
