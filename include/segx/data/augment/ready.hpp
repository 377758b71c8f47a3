#pragma once

#include <segx/data/augment/compose.hpp>
#include <segx/data/augment/geometric.hpp>
#include <segx/data/augment/intensity.hpp>

// Augmentations that go together.

namespace segx {

/// Moderate, for frontal chest X-rays: all that another patient, another position and another device would change.
inline augment_in_turn chest_xray_augmentation() {
  return augment_in_turn{horizontal_flip{0.5},
                         rotate{10},
                         scale{0.9, 1.1},
                         shift{0.05},
                         brightness{0.1},
                         contrast{0.2},
                         sometimes{0.5, gamma_curve{0.8, 1.25}},
                         sometimes{0.3, blur{1}},
                         sometimes{0.3, gaussian_noise{0.02}}};
}

/// What many published segmentation networks were trained with, strong: flip, shift and scale, noise, perspective, and
/// one each of equalised, brighter or of another gamma; sharper or softer; contrast. The padding and the random crop
/// that belong to it are the loader's (framing::random_window).
///
/// Source: the training example of P. Yakubovskiy's "Segmentation Models" (github.com/qubvel/segmentation_models), with
/// its probabilities; without its motion blur and changes of hue.
inline augment_in_turn paper_augmentation() {
  return augment_in_turn{horizontal_flip{0.5},
                         affine{.degrees = 0, .low = 0.5, .high = 1.5, .part = 0.1, .beyond = border::black},
                         sometimes{0.2, gaussian_noise{0.05}},
                         sometimes{0.5, perspective{0.1}},
                         sometimes{0.9, one_of{clahe{4}, brightness{0.2}, gamma_curve{0.8, 1.2}}},
                         sometimes{0.9, one_of{sharpen{0.5}, blur{1}}},
                         sometimes{0.9, contrast{0.2}}};
}

}  // namespace segx
