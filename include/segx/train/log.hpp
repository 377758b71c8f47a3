#pragma once

#include <array>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/io/atomic_file.hpp>

namespace segx {

/// What one epoch of a training measured; NaN where nothing was measured. Losses are means over images; IoU, Dice and
/// accuracy lie in [0,1].
struct epoch_record {
  static constexpr double unmeasured = std::numeric_limits<double>::quiet_NaN();

  int epoch = 0;                          ///< counts from 1
  int averaged = 0;                       ///< 1: a moving average of the weights was validated
  double seconds = unmeasured;            ///< of the epoch, validation included
  double learning_rate = unmeasured;      ///< at the epoch's last step
  double train_loss = unmeasured;         ///< during the epoch, while the weights moved
  double train_iou = unmeasured;          ///< micro: over all pixels of all images
  double train_dice = unmeasured;         ///< micro
  double val_loss = unmeasured;           ///< validation images, weights after the epoch
  double val_iou_mean = unmeasured;       ///< mean over images
  double val_iou_micro = unmeasured;      ///< over all pixels of all images
  double val_dice_mean = unmeasured;      ///< mean over images
  double val_accuracy = unmeasured;       ///< share of pixels that are right
  double images_per_second = unmeasured;  ///< in training
  double waiting = unmeasured;            ///< share of the time of training in which it waited for images

  /// Of one class, where there are several: mean over images. In files it is the column "val_iou.NAME".
  struct class_score {
    std::string name;  // without commas, quotes and ends of lines
    double val_iou = unmeasured;

    friend bool operator==(const class_score&, const class_score&) = default;
  };
  std::vector<class_score> classes = {};
};

/// A number of epoch_record and its name in files. This table alone says what a log holds and in which order; scores of
/// classes follow.
struct log_column {
  std::string_view name;
  std::variant<int epoch_record::*, double epoch_record::*> member;
};

inline constexpr std::array<log_column, 14> log_columns{{
    {"epoch", &epoch_record::epoch},
    {"seconds", &epoch_record::seconds},
    {"learning_rate", &epoch_record::learning_rate},
    {"train_loss", &epoch_record::train_loss},
    {"train_iou", &epoch_record::train_iou},
    {"train_dice", &epoch_record::train_dice},
    {"val_loss", &epoch_record::val_loss},
    {"val_iou_mean", &epoch_record::val_iou_mean},
    {"val_iou_micro", &epoch_record::val_iou_micro},
    {"val_dice_mean", &epoch_record::val_dice_mean},
    {"val_accuracy", &epoch_record::val_accuracy},
    {"images_per_second", &epoch_record::images_per_second},
    {"waiting", &epoch_record::waiting},
    {"averaged", &epoch_record::averaged},
}};

namespace detail {

/// One JSON object; NaN and infinity, which JSON does not know, are null.
std::string json_line(const epoch_record& record);

}  // namespace detail

/// Reads the epochs of a log.csv. Columns are found by name: unknown ones are passed over, missing ones stay NaN. A
/// last line without its end, as a copy that was broken off has it, is not there. Throws segx::error if the file cannot
/// be read, or a whole line is not as training_log writes it.
std::vector<epoch_record> read_log(const std::filesystem::path& file);

/// The log of a run: a line per epoch in RUN/log.csv (for people and spreadsheets) and in RUN/log.jsonl (for programs;
/// its first line may be another object, which says what the training is), on disk when append() returns. Both are
/// small and written anew each time, by write_file_atomically: a crash leaves whole lines.
class training_log {
 public:
  /// Makes the folder and starts the log. `resumed_epoch` is the epoch a training continues after: lines up to it are
  /// kept, later ones dropped, in one step that a crash cannot cut in half. 0, a new training, starts an empty log.
  /// `about` is the first line of log.jsonl, without its end; `classes` are those of the records.
  explicit training_log(const std::filesystem::path& run_dir, int resumed_epoch = 0, const std::string& about = {},
                        const std::vector<std::string>& classes = {});

  /// Adds an epoch. Call it before the checkpoint of that epoch is saved: then a crash between the two leaves a line
  /// too many, which resuming drops, and never one too few.
  void append(const epoch_record& record);

  /// Every epoch in the log, the resumed ones included.
  const std::vector<epoch_record>& records() const { return records_; }

 private:
  void add(const epoch_record& record);
  void write() const;

  std::filesystem::path csv_file_, json_file_;
  std::vector<epoch_record> records_;
  std::string csv_, json_;  // the files
};

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/log.hpp>
#endif
