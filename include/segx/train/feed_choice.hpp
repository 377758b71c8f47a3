#pragma once

#include <cstdint>
#include <filesystem>
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

namespace detail {

/// What a control group (version 2) and those around it leave free; what the kernel keeps of files and gives back when
/// asked is free. `list` is as /proc/self/cgroup, `root` as /sys/fs/cgroup.
std::optional<std::int64_t> left_by_control_groups(const std::filesystem::path& root,
                                                   const std::filesystem::path& list);

}  // namespace detail

/// Memory that feeding a training takes.
struct feed_bytes {
  std::int64_t images = 0;   // of all images and masks, if they stay in memory
  std::int64_t loading = 0;  // either way: batches that are loaded ahead, and about what decoding and augmenting take
};

/// How a training is fed with images, and what that takes.
struct feed_choice {
  feed mode = feed::streamed;
  feed_bytes bytes = {};
  std::optional<std::int64_t> available = {};  // memory that was there to decide by
  std::int64_t others = 0;                     // bytes that the training takes beside

  /// False if the training is known to take more than is available.
  bool fits() const {
    return !available || others + bytes.loading + (mode == feed::in_memory ? bytes.images : 0) <= *available;
  }

  /// "images in memory, 12 MB, and 3 MB to load batches (8000 MB are available)"
  std::string text() const;
};

/// What images and masks take, and threads that load them (0: as many as the machine has).
feed_bytes bytes_to_feed(const recipe& r, int channels, int threads, const dataset& data, const split& parts);

/// "memory", "stream", or "auto": memory, if all that it takes and `others` bytes are no more than four fifths of what
/// is available, and the disk otherwise. Both ways feed the same batches. Throws `error` for another word.
feed_choice choose_feed(const std::string& word, const feed_bytes& bytes, std::int64_t others,
                        std::optional<std::int64_t> available);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/feed_choice.hpp>
#endif
