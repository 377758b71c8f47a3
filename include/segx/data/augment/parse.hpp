#pragma once

#include <string>
#include <string_view>
#include <tuple>

#include <segx/core/error.hpp>
#include <segx/data/augment/compose.hpp>
#include <segx/data/augment/geometric.hpp>
#include <segx/data/augment/intensity.hpp>
#include <segx/data/augment/ready.hpp>

namespace segx {

namespace detail {

/// All that texts can name; beside them sometimes, one_of, in_turn and the ready sets.
using known_augmentations = std::tuple<no_augmentation, horizontal_flip, vertical_flip, rotate, scale, shift, affine,
                                       perspective, elastic, pad_if_smaller, random_crop, foreground_crop, brightness,
                                       contrast, gamma_curve, clahe, gaussian_noise, blur, sharpen, cut_out>;

struct ready_augmentation {
  std::string_view name;
  augment_in_turn (*make)();
};
inline constexpr ready_augmentation ready_augmentations[] = {{"chest_xray", chest_xray_augmentation},
                                                             {"paper", paper_augmentation}};

/// Calls visit(A{}) for each known augmentation.
template <class Visit>
void for_each_augmentation(Visit visit) {
  std::apply([&](const auto&... each) { (visit(each), ...); }, known_augmentations{});
}

std::string known_names();

}  // namespace detail

/// The augmentation that a text describes: "flip,rotate(10),scale(0.9,1.1),sometimes(0.3,blur(1))", "chest_xray", or a
/// JSON array of such texts. Settings go by order or by name, "affine(degrees=5,shear=3)"; those left out are as the
/// types have them. What the result's text() says, with all settings, is read as the same augmentation. Throws `error`
/// with the known names for anything else.
augment_in_turn parse_augmentation(std::string_view text);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/augment/impl/parse.hpp>
#endif
