#pragma once

#include <vector>

#include <segx/losses/logistic.hpp>
#include <segx/losses/loss.hpp>

/// The softmax over channels, p_k = exp(z_k − m) / Σ_j exp(z_j − m) with m = max z, which never overflows, and
/// −log p_k = m − z_k + log Σ_j exp(z_j − m).
namespace segx::detail {

/// The softmax of up to `block` pixels that lie next to each other.
template <class T>
struct softmax_block {
  std::size_t channels;
  std::vector<T> e;     // [C,block]  exp(z_k − m) ∈ (0,1]
  block_of<T> largest;  // m
  block_of<T> sum;      // Σ e_k ∈ [1,C]
  block_of<T> log_sum;

  softmax_block(std::string_view loss, std::size_t channels) : channels(channels), e(channels * block) {
    if (channels < 2) {
      throw error(std::string(loss) +
                  ": the softmax of a single channel is always 1; give a channel to each class, background "
                  "included, or take a loss of the sigmoid");
    }
  }

  /// z is channel 0 of the first pixel; the planes of the channels are `plane` elements apart.
  void read(const T* z, std::size_t plane, std::size_t count) {
    for (std::size_t j = 0; j < count; ++j) { largest[j] = z[j]; }
    for (std::size_t k = 1; k < channels; ++k) {
      for (std::size_t j = 0; j < count; ++j) {
        const T next = z[k * plane + j];
        largest[j] = next > largest[j] ? next : largest[j];
      }
    }
    for (std::size_t j = 0; j < count; ++j) { sum[j] = 0; }
    for (std::size_t k = 0; k < channels; ++k) {
      block_of<T> below;
      block_of<T> power;
      for (std::size_t j = 0; j < count; ++j) { below[j] = largest[j] - z[k * plane + j]; }
      exp_minus_abs(below.data(), power, count);
      for (std::size_t j = 0; j < count; ++j) {
        e[k * block + j] = power[j];
        sum[j] += power[j];
      }
    }
    for (std::size_t j = 0; j < count; ++j) { log_sum[j] = log_of(sum[j]); }
  }

  T p(std::size_t k, std::size_t j) const { return e[k * block + j] / sum[j]; }

  /// −log p_k, given z_k.
  T minus_log_p(T z, std::size_t j) const { return largest[j] - z + log_sum[j]; }
};

}  // namespace segx::detail
