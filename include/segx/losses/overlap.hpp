#pragma once

#include <segx/losses/combine.hpp>
#include <segx/losses/logistic.hpp>
#include <segx/losses/loss.hpp>

namespace segx {

/// What the sums of an overlap loss run over.
enum class over {
  batch,  ///< all pixels of the batch: small organs and empty masks weigh by their pixels
  image,  ///< the pixels of each image, all channels; the loss is the mean over images: each image weighs the same
};

namespace detail {

inline constexpr double paper_smooth = 1e-8;  ///< Belozerov & Sudakov 2022

/// Σp, Σt and Σpt with p = sigmoid(logits) and t the target.
struct overlap_sums {
  double p = 0, t = 0, pt = 0;
};

/// A loss as a function of the sums: its value, and dL/dp of a pixel = dp + dpt · t.
struct overlap_value {
  double loss = 0, dp = 0, dpt = 0;
};

template <class T>
overlap_sums sum_overlap(const T* z, const T* t, std::size_t size) {
  overlap_sums sums;
  for_each_block(size, [&](std::size_t i, std::size_t count) {
    block_of<T> e;
    exp_minus_abs(z + i, e, count);
    for (std::size_t j = 0; j < count; ++j) { e[j] = sigmoid_of(z[i + j], e[j]); }
    for (std::size_t j = 0; j < count; ++j) {
      const double p = e[j];
      const double target = t[i + j];
      sums.p += p;
      sums.t += target;
      sums.pt += p * target;
    }
  });
  return sums;
}

/// dz += (dp + dpt · t) p (1 − p). Computing p again takes less time than keeping it.
template <class T>
void add_overlap_gradient(const T* z, const T* t, T* dz, std::size_t size, T dp, T dpt) {
  for_each_block(size, [=](std::size_t i, std::size_t count) {
    block_of<T> e;
    exp_minus_abs(z + i, e, count);
    for (std::size_t j = 0; j < count; ++j) { dz[i + j] += (dp + dpt * t[i + j]) * e[j] / ((1 + e[j]) * (1 + e[j])); }
  });
}

/// `value_of` maps overlap_sums to overlap_value. Adds weight · dL/dz to dz unless it is nullptr.
template <class T, class F>
double overlap_loss(const xt::xtensor<T, 4>& logits, const xt::xtensor<T, 4>& target, T* dz, double weight, over what,
                    F value_of) {
  const std::size_t parts = what == over::image ? logits.shape()[0] : 1;
  const std::size_t size = logits.size() / parts;
  double sum = 0;
  for (std::size_t first = 0; first < logits.size(); first += size) {
    const T* z = logits.data() + first;
    const T* t = target.data() + first;
    const overlap_value value = value_of(sum_overlap(z, t, size));
    sum += value.loss;
    if (dz) {
      const double scale = weight / static_cast<double>(parts);
      add_overlap_gradient(z, t, dz + first, size, static_cast<T>(scale * value.dp), static_cast<T>(scale * value.dpt));
    }
  }
  return sum / static_cast<double>(parts);
}

/// "name", or "name(smooth=1)" where smooth is not the paper's.
inline std::string text_of_overlap(std::string_view name, double smooth) {
  std::string text(name);
  if (smooth != paper_smooth) { text.append("(smooth=").append(text_of(smooth)).append(")"); }
  return text;
}

}  // namespace detail
}  // namespace segx
