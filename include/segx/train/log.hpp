#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/number_text.hpp>
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

inline constexpr std::string_view class_column = "val_iou.";

inline std::string csv_header(const std::vector<std::string>& classes) {
  std::string line;
  for (const log_column& column : log_columns) line.append(line.empty() ? "" : ",").append(column.name);
  for (const std::string& name : classes) line.append(",").append(class_column).append(name);
  return line + "\n";
}

/// NaN is an empty field.
inline std::string csv_line(const epoch_record& record) {
  std::string line;
  for (const log_column& column : log_columns) {
    if (&column != &log_columns.front()) line += ',';
    std::visit([&](auto member) { line += std::isnan(record.*member) ? "" : number_text(record.*member); },
               column.member);
  }
  for (const auto& [name, iou] : record.classes) line += "," + (std::isnan(iou) ? "" : number_text(iou));
  return line + "\n";
}

/// One JSON object; NaN and infinity, which JSON does not know, are null.
inline std::string json_line(const epoch_record& record) {
  std::string line = "{";
  for (const log_column& column : log_columns) {
    line.append(line.size() == 1 ? "\"" : ", \"").append(column.name).append("\": ");
    std::visit([&](auto member) { line += std::isfinite(record.*member) ? number_text(record.*member) : "null"; },
               column.member);
  }
  for (const auto& [name, iou] : record.classes) {
    line.append(", \"").append(class_column).append(name).append("\": ");
    line += std::isfinite(iou) ? number_text(iou) : "null";
  }
  return line + "}\n";
}

/// The parts of `text` between separators: one more than there are separators.
inline std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Sets a number from a CSV field; false if the field is no number of that kind.
template <typename Number>
bool read_field(std::string_view field, Number& number) {
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), number);
  return problem == std::errc{} && end == field.data() + field.size();
}

/// Sets what a column of this name holds; false if the field is no value of it. Unknown columns are passed over.
inline bool read_field(std::string_view field, std::string_view name, epoch_record& record) {
  if (name.starts_with(class_column)) {
    record.classes.push_back({std::string(name.substr(class_column.size()))});
    double& iou = record.classes.back().val_iou;
    return field.empty() || read_field(field, iou);
  }
  for (const log_column& column : log_columns) {
    const bool is_unmeasured = field.empty() && name != "epoch";
    if (column.name == name && !is_unmeasured)
      return std::visit([&](auto member) { return read_field(field, record.*member); }, column.member);
  }
  return true;
}

}  // namespace detail

/// Reads the epochs of a log.csv. Columns are found by name: unknown ones are passed over, missing ones stay NaN. A
/// last line without its end, as a crash leaves it, is not there. Throws segx::error if the file cannot be read, or a
/// whole line is not as training_log writes it.
inline std::vector<epoch_record> read_log(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw error(file.string() + ": cannot be opened, there is no log of a training here");
  const std::string text = (std::ostringstream() << stream.rdbuf()).str();
  std::vector<std::string_view> lines = detail::split_at(text, '\n');
  lines.pop_back();  // empty, or what a crash left of a line
  if (lines.empty()) return {};

  const std::vector<std::string_view> names = detail::split_at(lines.front(), ',');
  if (names.front() != log_columns.front().name)
    throw error(file.string() + ": is not a log of a training, its first line must begin with \"epoch\"");

  std::vector<epoch_record> records;
  for (std::size_t line = 1; line < lines.size(); ++line) {
    const auto where = [&] { return file.string() + ", line " + std::to_string(line + 1) + ": "; };
    const std::vector<std::string_view> fields = detail::split_at(lines[line], ',');
    if (fields.size() != names.size())
      throw error(where() + "expected " + std::to_string(names.size()) + " fields, found " +
                  std::to_string(fields.size()));
    epoch_record& record = records.emplace_back();
    for (std::size_t k = 0; k < fields.size(); ++k)
      if (!detail::read_field(fields[k], names[k], record))
        throw error(where() + "\"" + std::string(fields[k]) + "\" is no value of " + std::string(names[k]));
  }
  return records;
}

/// The log of a run: a line per epoch in RUN/log.csv (for people and spreadsheets) and in RUN/log.jsonl (for programs;
/// its first line may be another object, which says what the training is), on disk when append() returns. A crash
/// leaves whole lines, except perhaps the last; resuming drops that one.
class training_log {
 public:
  /// Makes the folder and starts the log. `resumed_epoch` is the epoch a training continues after: lines up to it are
  /// kept, later ones dropped, in one step that a crash cannot cut in half. 0, a new training, starts an empty log.
  /// `about` is the first line of log.jsonl, without its end; `classes` are those of the records.
  explicit training_log(const std::filesystem::path& run_dir, int resumed_epoch = 0, const std::string& about = {},
                        const std::vector<std::string>& classes = {})
      : csv_file_(run_dir / "log.csv"), json_file_(run_dir / "log.jsonl") {
    make_folder(run_dir);
    if (resumed_epoch > 0 && std::filesystem::exists(csv_file_)) records_ = read_log(csv_file_);
    std::erase_if(records_, [=](const epoch_record& record) { return record.epoch > resumed_epoch; });
    std::string csv = detail::csv_header(classes), json = about.empty() ? "" : about + "\n";
    for (const epoch_record& record : records_) {
      csv += detail::csv_line(record);
      json += detail::json_line(record);
    }
    write_file_atomically(json_file_, std::as_bytes(std::span(json)));
    write_file_atomically(csv_file_, std::as_bytes(std::span(csv)));
    csv_.open(csv_file_, std::ios::binary | std::ios::app);
    json_.open(json_file_, std::ios::binary | std::ios::app);
  }

  /// Adds an epoch. Call it before the checkpoint of that epoch is saved: then a crash between the two leaves a line
  /// too many, which resuming drops, and never one too few.
  void append(const epoch_record& record) {
    add_line(csv_, detail::csv_line(record), csv_file_);
    add_line(json_, detail::json_line(record), json_file_);
    records_.push_back(record);
  }

  /// Every epoch in the log, the resumed ones included.
  const std::vector<epoch_record>& records() const { return records_; }

 private:
  static void add_line(std::ofstream& stream, const std::string& line, const std::filesystem::path& file) {
    stream << line << std::flush;
    if (!stream) throw error(file.string() + ": cannot be written, is the disk full?");
  }

  std::filesystem::path csv_file_, json_file_;
  std::vector<epoch_record> records_;
  std::ofstream csv_, json_;
};

}  // namespace segx
