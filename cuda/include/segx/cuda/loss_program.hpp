#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include <segx/cuda/training_kernels.hpp>
#include <segx/losses/any_loss.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/cross_entropy.hpp>
#include <segx/losses/dice.hpp>
#include <segx/losses/focal.hpp>
#include <segx/losses/focal_tversky.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/losses/tversky.hpp>

namespace segx::gpu {

namespace detail {

/// Fills in a loss that the GPU knows; false if it is none of them.
inline bool read_pixel_loss(const loss_part& part, int classes, pixel_loss& to) {
  const auto read_weights = [&](const std::vector<double>& weights) {
    for (int k = 0; k < classes; ++k) {
      to.weights[k] = static_cast<float>(segx::detail::weight_of(weights, static_cast<std::size_t>(k)));
    }
    return weights.size() <= 1 || weights.size() == static_cast<std::size_t>(classes);
  };
  if (const auto* l = part.as<bce_loss>()) {
    to.how = pixel_loss::bce;
    to.smoothing = static_cast<float>(l->smoothing);
    return read_weights(l->pos_weight);
  }
  if (const auto* l = part.as<focal_loss>()) {
    to.how = pixel_loss::focal;
    to.gamma = static_cast<float>(l->gamma);
    to.alpha = static_cast<float>(l->alpha);
    return true;
  }
  if (const auto* l = part.as<cross_entropy_loss>()) {
    to.how = pixel_loss::cross_entropy;
    to.smoothing = static_cast<float>(l->smoothing);
    return read_weights(l->weights);
  }
  if (const auto* l = part.as<softmax_focal_loss>()) {
    to.how = pixel_loss::softmax_focal;
    to.gamma = static_cast<float>(l->gamma);
    return read_weights(l->alpha);
  }
  return false;
}

template <probability P>
bool read_overlap_loss(const loss_part& part, overlap_loss& to) {
  const auto common = [&to](const auto& l) {
    to.smooth = l.smooth;
    to.what = l.over;
    to.background = l.background;
    return true;
  };
  const auto tversky = [&](const auto& l) {
    to.alpha = l.alpha;
    to.beta = l.beta;
    return common(l);
  };
  if (const auto* l = part.as<jaccard_loss<P>>()) { return common(*l); }
  if (const auto* l = part.as<dice_loss<P>>()) {
    common(*l);
    to.alpha = to.beta = 0.5;
    to.smooth = l->smooth / 2;
    return true;
  }
  if (const auto* l = part.as<tversky_loss<P>>()) { return tversky(*l); }
  if (const auto* l = part.as<focal_tversky_loss<P>>()) {
    to.gamma = l->gamma;
    return tversky(*l);
  }
  return false;
}

}  // namespace detail

/// A loss as the GPU computes it; nothing if it does not know it: the host computes it then, and says what is wrong
/// with it, if something is.
inline std::optional<loss_program> loss_program_of(const any_loss& l, int classes) {
  loss_program p;
  p.softmax = l.facts().reads == probability::softmax;
  p.first_scored = p.softmax ? 1 : 0;
  if (!l.facts().reads || classes > most_classes || (p.softmax && classes < 2)) { return std::nullopt; }
  for (const loss_part& part : l.parts()) {
    pixel_loss pixels{.factor = static_cast<float>(part.factor)};
    overlap_loss sets{.factor = static_cast<float>(part.factor)};
    if (detail::read_pixel_loss(part, classes, pixels)) {
      if (p.pixel_losses == loss_program::most) { return std::nullopt; }
      p.of_pixels[p.pixel_losses++] = pixels;
    } else if (detail::read_overlap_loss<probability::sigmoid>(part, sets) ||
               detail::read_overlap_loss<probability::softmax>(part, sets)) {
      if (p.overlap_losses == loss_program::most || (!sets.background && classes == 1)) { return std::nullopt; }
      p.of_sets[p.overlap_losses++] = sets;
    } else {
      return std::nullopt;
    }
  }
  return p;
}

}  // namespace segx::gpu
