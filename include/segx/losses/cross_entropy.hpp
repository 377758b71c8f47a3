#pragma once

#include <segx/losses/class_weights.hpp>
#include <segx/losses/options.hpp>
#include <segx/losses/softmax.hpp>

namespace segx {

/// Cross-entropy over channels, for classes that exclude each other. With p = softmax(z) and the one-hot target t of a
/// pixel,
///
///   L = 1/d Σ_pixels Σ_k a_k (−log p_k),   a_k = w_k ((1 − ε) t_k + ε/K)          dL/dz_k = (p_k Σ_j a_j − a_k) / d
///
/// where w are weights of the K classes, ε smooths labels, and d = Σ_pixels Σ_k w_k t_k. A pixel whose target is 0 in
/// all channels is ignored, in d as well. Finite for every finite z. The numbers are PyTorch's CrossEntropyLoss.
struct cross_entropy_loss {
  static constexpr std::string_view name = "cross_entropy";

  std::vector<double> weights{};  ///< w of each class; empty: 1
  double smoothing = 0;           ///< ε ∈ [0,1)

  static void options(auto& loss, auto&& option) {
    option("weights", loss.weights, detail::range::not_negative);
    option("smoothing", loss.smoothing, detail::range::fraction);
  }
  std::string text() const { return detail::text_with_options(*this); }
  static constexpr loss_facts facts() { return {.reads = probability::softmax, .weighs_pixels = true}; }

  double operator()(auto&&... call) const { return detail::evaluate(*this, call...); }

  template <class T>
  double compute(const loss_call<T>& call) const {
    using detail::block;
    detail::expect_weights(name, "weights", weights, call.channels());
    const std::size_t channels = call.channels();
    const std::size_t plane = call.plane();
    const double divisor = divisor_of(call);
    const T scale = static_cast<T>(call.weight / divisor);
    const T keep = static_cast<T>(1 - smoothing);
    const T share = static_cast<T>(smoothing / static_cast<double>(channels));
    detail::softmax_block<T> softmaxes{name, channels};
    std::vector<T> a(channels * block);
    double sum = 0;
    for (std::size_t n = 0; n < call.images(); ++n) {
      const T* image = call.logits.data() + call.at(n, 0);
      const T* target = call.target.data() + call.at(n, 0);
      detail::for_each_block(plane, [&](std::size_t i, std::size_t count) {
        softmaxes.read(image + i, plane, count);
        detail::block_of<T> labels{};  // Σ t_k: 1, or 0 where a pixel is ignored
        for (std::size_t k = 0; k < channels; ++k) {
          const T* t = target + k * plane + i;
          for (std::size_t j = 0; j < count; ++j) { labels[j] += t[j]; }
        }
        detail::block_of<T> all{};   // Σ a_k
        detail::block_of<T> lost{};  // Σ a_k (−log p_k)
        for (std::size_t k = 0; k < channels; ++k) {
          const T* t = target + k * plane + i;
          const T* factors = call.factors(n, k);
          detail::block_of<T> w;
          detail::block_of<T> minus_log_p;
          detail::read_factors(factors ? factors + i : nullptr, static_cast<T>(detail::weight_of(weights, k)), w,
                               count);
          softmaxes.minus_log_p(image + k * plane + i, minus_log_p, count);
          for (std::size_t j = 0; j < count; ++j) { w[j] *= keep * t[j] + share * labels[j]; }
          for (std::size_t j = 0; j < count; ++j) { all[j] += w[j]; }
          for (std::size_t j = 0; j < count; ++j) { lost[j] += w[j] * minus_log_p[j]; }
          std::copy_n(w.data(), count, a.data() + k * block);
        }
        for (std::size_t j = 0; j < count; ++j) { sum += lost[j]; }
        if (!call.dlogits) { return; }
        for (std::size_t k = 0; k < channels; ++k) {
          const T* p = softmaxes.p(k);
          const T* a_k = a.data() + k * block;
          T* dz = call.dlogits->data() + call.at(n, k) + i;
          for (std::size_t j = 0; j < count; ++j) { dz[j] += scale * (p[j] * all[j] - a_k[j]); }
        }
      });
    }
    return sum / divisor;
  }

 private:
  template <class T>
  double divisor_of(const loss_call<T>& call) const {
    double sum = 0;
    for (std::size_t n = 0; n < call.images(); ++n) {
      for (std::size_t k = 0; k < call.channels(); ++k) {
        const T* t = call.target.data() + call.at(n, k);
        double labels = 0;
        for (std::size_t i = 0; i < call.plane(); ++i) { labels += t[i]; }
        sum += detail::weight_of(weights, k) * labels;
      }
    }
    return sum > 0 ? sum : static_cast<double>(call.images() * call.plane());  // no pixel with a weight
  }
};

inline constexpr cross_entropy_loss cross_entropy{};

static_assert(loss<cross_entropy_loss>);

}  // namespace segx
