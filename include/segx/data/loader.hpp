#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/core/random.hpp>
#include <segx/data/augment/geometric.hpp>
#include <segx/data/dataset.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/image/plane.hpp>
#include <segx/image/read_image.hpp>
#include <segx/image/resize_image.hpp>

namespace segx {

/// Where a loader's samples stay: all in memory, decoded once, or on disk, decoded anew in each epoch. Both feed the
/// same batches; memory_needed says what each takes.
enum class feed { in_memory, streamed };

/// How an image of any size becomes the height × width that a network takes.
enum class framing {
  stretch,         ///< resized, its aspect not kept
  random_window,   ///< not resized: a window at a random place, another in each epoch
  centred_window,  ///< not resized: the window in the image's middle, to validate on what random windows trained
};

struct loader_options {
  int height = 256;
  int width = 256;
  int channels = 1;                                 // C of the images: 1 gray, 3 red, green, blue
  normalisation normalise = normalisation::unit();  // of the augmented images
  int batch = 8;                                    // samples in a batch; an epoch's last one may be smaller
  int threads = 1;                                  // that load ahead of training; 0: one for each processor
  int ahead = 2;                                    // batches to load ahead of the one in use
  feed mode = feed::in_memory;
  std::uint64_t seed = 0;                  // of the order and the augmentation
  bool shuffle = true;                     // false: the order of the indices
  std::optional<int> mask_threshold = {};  // as for read_mask
  framing frame = framing::stretch;
  double foreground = 0;  // probability that a random window must contain foreground, where there is some
  any_augmentation augment = no_augmentation{};
};

/// Bytes that a loader takes.
struct loader_memory {
  std::size_t samples = 0;  // decoded images and label maps, as long as the loader lives
  std::size_t batches = 0;  // loaded ahead, and one in use
  std::size_t work = 0;     // about what the threads take, to decode the largest image and to augment

  [[nodiscard]] std::size_t total() const { return samples + batches + work; }
};

/// What a loader of these samples will take. Without `stretch`, images stay as large and as deep as they are in their
/// files, so scan_folder must have decoded them.
loader_memory memory_needed(const loader_options& options, const dataset& data, const std::vector<int>& indices);
loader_memory memory_needed(const loader_options& options, const dataset& data);

/// N samples, as a network takes them.
struct batch {
  xt::xtensor<float, 4> images;  // [N,C,H,W], normalised
  xt::xtensor<float, 4> masks;   // [N,K,H,W] in {0,1}, a plane for each of the dataset's classes
  std::vector<int> indices;      // [N], of the samples in the dataset
};

/// Feeds some samples of a dataset in batches, loaded by threads ahead of their use:
///
///   loader train(data, parts.train, {.height = 256, .width = 256, .batch = 8, .augment = horizontal_flip{}});
///   train.start_epoch(0);
///   for (batch b; train.next(b);) …
///
/// What a batch holds depends on the options' seed, the epoch and the samples alone, never on threads or their timing.
/// One thread at a time may use a loader. It may be destroyed at any moment.
class loader {
 public:
  /// Throws segx::error if an option or index makes no sense; in memory also one report of all files that are wrong.
  loader(dataset data, std::vector<int> indices, loader_options options);

  loader(const loader&) = delete;
  loader& operator=(const loader&) = delete;

  /// Samples in an epoch.
  [[nodiscard]] int size() const { return static_cast<int>(indices_.size()); }

  [[nodiscard]] int batches_per_epoch() const { return (size() + options_.batch - 1) / options_.batch; }

  /// Bytes of the samples kept in memory; 0 when streamed.
  [[nodiscard]] std::size_t resident_bytes() const;

  /// Begins an epoch, from an exact batch when one is resumed. The epoch before it need not have ended.
  void start_epoch(int epoch, int first_batch = 0);

  /// Gives the epoch's next batch, waiting for it where needed; false at the epoch's end (and before the first). The
  /// memory of `b` is used again, so keep one batch for all. What went wrong with one of its samples is thrown here,
  /// after which the batch counts as given.
  bool next(batch& b);

  /// A sample as an epoch sees it, before normalisation: what a batch holds, and of any size where the augmentation
  /// crops or pads. Unlike the rest, several threads may call it.
  [[nodiscard]] image_and_mask seen(int index, int epoch) const;

 private:
  static constexpr std::uint64_t purpose_order = 1;
  static constexpr std::uint64_t purpose_augment = 2;
  static constexpr std::uint64_t purpose_window = 3;

  /// A batch being loaded. Threads fill its rows, each its own; the batch is whole when none is missing.
  struct slot {
    batch content;
    std::size_t missing = 0;
    std::size_t failed_row = 0;
    std::exception_ptr failure;  // of the lowest row that failed
  };

  /// The loading threads. Destroyed, they stop and end.
  struct workers {
    loader& of;
    std::vector<std::thread> threads = {};
    ~workers();
  };

  void require_sound() const;

  /// A sample from its files: resized, or as it is there.
  [[nodiscard]] image_and_mask read(int index) const;

  void load_residents();

  slot& slot_of(int batch_number) { return slots_[static_cast<std::size_t>(batch_number % options_.ahead)]; }

  /// Makes a slot ready for the rows of a batch; batches beyond the epoch's end have none. Under the lock.
  void prepare(int batch_number);

  /// Whether the next sample belongs to a batch that has a slot. Under the lock.
  [[nodiscard]] bool can_claim() const;

  /// A loading thread: claims one sample after the other and fills its row.
  void work();

  [[nodiscard]] random_generator generator(std::uint64_t purpose, int index, int epoch) const;

  void fill_row(batch& b, std::size_t row) const;

  /// The window that a sample is seen through, in the middle of an image that is smaller, black beyond its edge. What
  /// lies around it in the image goes along, so that augmentations which turn or shrink the window find it there.
  [[nodiscard]] lazy_warp window_of(const image_and_mask& x, int index, int epoch) const;

  const dataset data_;
  const std::vector<int> indices_;
  const loader_options options_;
  std::vector<image_and_mask> residents_;  // by index in the dataset; empty when streamed

  std::mutex mutex_;                   // guards all below; a row of a slot belongs to the thread that claimed it
  std::condition_variable may_claim_;  // a slot was prepared, or threads are to stop
  std::condition_variable progress_;   // a batch is whole, or no thread is busy
  std::vector<int> order_;             // of the epoch; empty before the first
  std::vector<slot> slots_;            // batch b loads in slot b mod ahead
  std::size_t claimed_ = 0;            // position in order_ of the next sample to load
  int epoch_ = 0;
  int next_batch_ = 0;  // that next() gives
  int busy_ = 0;        // threads that fill a row
  bool stops_ = false;
  workers workers_{*this};  // last: destroyed first, they end before what they use
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/impl/loader.hpp>
#endif
