#pragma once

#include <string>

#include <segx/data/dataset.hpp>
#include <segx/data/loader.hpp>
#include <segx/data/split.hpp>
#include <segx/image/label_map.hpp>
#include <segx/train/recipe.hpp>

// What a recipe says of images and masks, in the words of data/.

namespace segx {

/// Throws `error` for labels of another kind.
scan_options scan_options_of(const recipe& r);

/// Which samples are trained on and which validate.
split split_of(const dataset& data, const recipe& r);

/// Whether images are seen through windows. Throws `error` for framings that there are not.
bool has_windows(const recipe& r);

/// For the loader of the training samples, or of those that validate.
loader_options loader_options_of(const recipe& r, int channels, feed mode, bool training);

/// Stands for the images that are trained on and those that validate: SHA-256 of their names and the lengths of their
/// files.
std::string images_sha256(const dataset& data, const split& parts);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/recipe_data.hpp>
#endif
