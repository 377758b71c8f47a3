#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/cuda/kernels.hpp>
#include <segx/losses/over.hpp>
#include <segx/optim/step_rule.hpp>

/// Kernels of a training step beside its layers: the loss with its gradient and scores, and the moving of the weights.
namespace segx::gpu {

inline constexpr int most_classes = 16;

/// A mean over pixels; see the headers of the losses for the formulas.
struct pixel_loss {
  enum kind : unsigned char { bce, focal, cross_entropy, softmax_focal };
  kind how = bce;
  float factor = 1;
  float gamma = 0;
  float alpha = 0;  // focal: of the foreground
  float smoothing = 0;
  float weights[most_classes] = {};  // bce: of the foreground of each class; else of each class
};

/// A function of Σp, Σt and Σpt over sets of planes: a Tversky index, perhaps raised to a power.
struct overlap_loss {
  float factor = 1;
  double alpha = 1, beta = 1, smooth = 0, gamma = 1;
  over what = over::batch;
  bool background = true;
};

/// A weighted sum of losses.
struct loss_program {
  static constexpr int most = 3;  // of each kind
  int pixel_losses = 0, overlap_losses = 0;
  pixel_loss of_pixels[most];
  overlap_loss of_sets[most];
  bool softmax = false;  // how logits are read
  int first_scored = 0;  // class that scores count
};

/// What is known of a batch behind its forward pass.
struct batch_result {
  double loss = 0;
  double true_positive = 0, false_positive = 0, false_negative = 0, true_negative = 0;
};

/// Sums of each plane: Σp, Σt, Σpt, a loss for each of the `most` pixel losses, and three counts of pixels.
inline constexpr int sums_of_plane = 3 + loss_program::most + 3;
constexpr std::int64_t doubles_of_loss(int batch, int classes) {
  // … and for the gradient dp and dpt of each plane, and a scale for each pixel loss
  return std::int64_t{batch} * classes * (sums_of_plane + 2) + loss_program::most;
}

/// Loss, its gradient with respect to the logits (times the batch's share and the loss scale), and scores. Targets are
/// those of the step's values, [N,K,H,W]. `memory`: doubles_of_loss.
void loss(const queue& on, const loss_program& what, tensor logits, tensor dlogits, double* memory,
          batch_result* result);

/// How a training fares, on the GPU.
struct training_status {
  float loss_scale = 1;  // gradients are those of loss_scale times the loss
  int good_steps = 0;    // since the scale was changed
  double norm_squared = 0;
  double not_finite = 0;  // gradients of the last step; none was moved then

  /// float16 holds 6e-5 to 65504 with all its digits. Halves the scale where that was too much, doubles it where it was
  /// not for long. Source: Micikevicius et al., "Mixed precision training", ICLR 2018, arXiv:1710.03740.
  constexpr void adapt_scale() {
    constexpr int steps_to_double = 2000;
    if (not_finite > 0) {
      loss_scale = std::max(loss_scale / 2, 1.0F);
      good_steps = 0;
    } else if (++good_steps == steps_to_double) {
      loss_scale = std::min(loss_scale * 2, 16777216.0F);
      good_steps = 0;
    }
  }
};

/// What of a training changes from step to step, on the GPU.
struct step_memory {
  step_values values;
  training_status status;
  batch_result result;
};

/// One step over all values of a network: `learnable` that are learned, then statistics. Where the gradients are
/// finite: clips, moves, averages, and clears the gradients. Where they are not, nothing moves; of a scale that
/// `adapts`, they are cleared and the scale is halved; else they stay to be looked at.
struct step_call {
  step_rule::kind how = step_rule::moments;
  const group_step* groups = nullptr;  // on the GPU, in ascending order
  int group_count = 0;
  float* weights = nullptr;
  float* gradients = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  float* average = nullptr;  // none: nullptr
  std::int64_t learnable = 0, values = 0;
  float clip_value = 0, clip_norm = 0;  // 0: none
  bool adapts_scale = false;
  training_status* status = nullptr;
};
void move_weights(const queue& on, const step_call& call);

/// float32 [N,C,H,W] from where the step's values say, to the batch that the network reads.
void load_images(const queue& on, tensor to);
/// The gradient of the logits that the host computed, times the loss scale.
void load_gradient(const queue& on, const float* from, const training_status* status, tensor to);

}  // namespace segx::gpu
