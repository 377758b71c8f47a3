#pragma once

#include <vector>

#include <segx/core/error.hpp>
#include <segx/losses/logistic.hpp>
#include <segx/losses/loss.hpp>

/// The softmax over channels, p_k = exp(z_k − m) / Σ_j exp(z_j − m) with m = max z, which never overflows, and
/// −log p_k = m − z_k + log Σ_j exp(z_j − m).
namespace segx::detail {

/// The softmax of up to `block` pixels that lie next to each other.
template <class T>
class softmax_block {
 public:
  softmax_block(std::string_view loss, std::size_t channels) : channels_(channels), p_(channels * block) {
    if (channels < 2) {
      fail({loss,
            ": the softmax of a single channel is always 1; give a channel to each class, background "
            "included, or take a loss of the sigmoid"});
    }
  }

  /// z is channel 0 of the first pixel; the planes of the channels are `plane` elements apart.
  void read(const T* z, std::size_t plane, std::size_t count) {
    std::copy_n(z, count, largest_.data());
    for (std::size_t k = 1; k < channels_; ++k) {
      for (std::size_t j = 0; j < count; ++j) {
        const T next = z[k * plane + j];
        largest_[j] = next > largest_[j] ? next : largest_[j];
      }
    }
    block_of<T> sum{};
    for (std::size_t k = 0; k < channels_; ++k) {
      block_of<T> below;
      block_of<T> e;
      for (std::size_t j = 0; j < count; ++j) { below[j] = largest_[j] - z[k * plane + j]; }
      exp_minus_abs(below.data(), e, count);
      for (std::size_t j = 0; j < count; ++j) { sum[j] += e[j]; }
      std::copy_n(e.data(), count, p_.data() + k * block);
    }
    for (std::size_t k = 0; k < channels_; ++k) {
      T* p = p_.data() + k * block;
      for (std::size_t j = 0; j < count; ++j) { p[j] /= sum[j]; }
    }
    for (std::size_t j = 0; j < count; ++j) { log_sum_[j] = log_of(sum[j]); }
  }

  /// p_k of the pixels.
  const T* p(std::size_t k) const { return p_.data() + k * block; }

  /// lost[j] = −log p_k of the pixels, given their z_k.
  void minus_log_p(const T* z, block_of<T>& lost, std::size_t count) const {
    for (std::size_t j = 0; j < count; ++j) { lost[j] = largest_[j] - z[j] + log_sum_[j]; }
  }

 private:
  std::size_t channels_;
  std::vector<T> p_;     // [C,block]
  block_of<T> largest_;  // m
  block_of<T> log_sum_;  // log Σ_j exp(z_j − m)
};

}  // namespace segx::detail
