#pragma once

#include <segx/losses/softmax.hpp>

namespace segx {

namespace detail {

/// f(n, k, first, count, p): the probabilities p[0…count) of image n and channel k from pixel `first` on.
template <probability P, class T, class F>
void for_each_probability(std::string_view loss, const loss_call<T>& call, F f) {
  const T* logits = call.logits.data();
  if constexpr (P == probability::sigmoid) {
    for (std::size_t n = 0; n < call.images(); ++n) {
      for (std::size_t k = 0; k < call.channels(); ++k) {
        const T* z = logits + call.at(n, k);
        for_each_block(call.plane(), [&](std::size_t first, std::size_t count) {
          block_of<T> p;
          exp_minus_abs(z + first, p, count);
          for (std::size_t j = 0; j < count; ++j) { p[j] = sigmoid_of(z[first + j], p[j]); }
          f(n, k, first, count, p.data());
        });
      }
    }
  } else {
    softmax_block<T> pixels{loss, call.channels()};
    for (std::size_t n = 0; n < call.images(); ++n) {
      for_each_block(call.plane(), [&](std::size_t first, std::size_t count) {
        pixels.read(logits + call.at(n, 0) + first, call.plane(), count);
        for (std::size_t k = 0; k < call.channels(); ++k) { f(n, k, first, count, pixels.p(k)); }
      });
    }
  }
}

/// Adds to dlogits what dL/dp is for the logits; dp(n, k, first, count, g) writes dL/dp to g[0…count). Computing p
/// again takes less time than keeping it.
///
///   sigmoid: dL/dz = p (1 − p) dL/dp          softmax: dL/dz_k = p_k (dL/dp_k − Σ_j p_j dL/dp_j)
template <probability P, class T, class F>
void add_gradient(std::string_view loss, const loss_call<T>& call, F dp) {
  const T* logits = call.logits.data();
  T* dlogits = call.dlogits->data();
  if constexpr (P == probability::sigmoid) {
    for (std::size_t n = 0; n < call.images(); ++n) {
      for (std::size_t k = 0; k < call.channels(); ++k) {
        const T* z = logits + call.at(n, k);
        T* dz = dlogits + call.at(n, k);
        for_each_block(call.plane(), [&](std::size_t first, std::size_t count) {
          block_of<T> e;
          block_of<T> g;
          exp_minus_abs(z + first, e, count);
          dp(n, k, first, count, g.data());
          for (std::size_t j = 0; j < count; ++j) { dz[first + j] += g[j] * e[j] / ((1 + e[j]) * (1 + e[j])); }
        });
      }
    }
  } else {
    softmax_block<T> pixels{loss, call.channels()};
    std::vector<T> g(call.channels() * block);
    for (std::size_t n = 0; n < call.images(); ++n) {
      for_each_block(call.plane(), [&](std::size_t first, std::size_t count) {
        pixels.read(logits + call.at(n, 0) + first, call.plane(), count);
        block_of<T> mean{};  // Σ_j p_j dL/dp_j
        for (std::size_t k = 0; k < call.channels(); ++k) {
          T* g_k = g.data() + k * block;
          const T* p = pixels.p(k);
          dp(n, k, first, count, g_k);
          for (std::size_t j = 0; j < count; ++j) { mean[j] += p[j] * g_k[j]; }
        }
        for (std::size_t k = 0; k < call.channels(); ++k) {
          const T* g_k = g.data() + k * block;
          const T* p = pixels.p(k);
          T* dz = dlogits + call.at(n, k) + first;
          for (std::size_t j = 0; j < count; ++j) { dz[j] += p[j] * (g_k[j] - mean[j]); }
        }
      });
    }
  }
}

}  // namespace detail
}  // namespace segx
