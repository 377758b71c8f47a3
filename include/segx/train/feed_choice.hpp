#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <segx/core/error.hpp>
#include <segx/data/dataset.hpp>
#include <segx/data/loader.hpp>
#include <segx/data/split.hpp>
#include <segx/train/recipe.hpp>

namespace segx {

/// Bytes of memory that programs may still take, of the machine and of the control group that limits the process;
/// nothing where Linux does not say.
std::optional<std::int64_t> available_memory();

/// How a training is fed with images, and what that takes.
struct feed_choice {
  feed mode = feed::streamed;
  std::int64_t image_bytes = 0;                // of all images and masks, if they stay in memory
  std::optional<std::int64_t> available = {};  // memory that was there to decide by

  /// "images in memory, 12 MB (8000 MB are available)"
  std::string text() const;
};

/// Bytes that the images and masks of a training take in memory.
std::int64_t image_bytes(const recipe& r, int channels, const dataset& data, const split& parts);

/// "memory", "stream", or "auto": memory, if the images and `others` bytes take no more than four fifths of what is
/// available, and the disk otherwise. Both ways feed the same batches. Throws `error` for another word.
feed_choice choose_feed(const std::string& word, std::int64_t images, std::int64_t others,
                        std::optional<std::int64_t> available);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/feed_choice.hpp>
#endif
