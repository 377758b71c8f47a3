#pragma once

#include <cmath>
#include <cstddef>
#include <fstream>
#include <optional>
#include <span>
#include <sstream>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/number_text.hpp>
#include <segx/io/json_text.hpp>
#include <segx/train/log.hpp>

namespace segx {

namespace detail {

inline constexpr std::string_view class_column = "val_iou.";

inline std::string csv_header(const std::vector<std::string>& classes) {
  std::string line;
  for (const log_column& column : log_columns) { line.append(line.empty() ? "" : ",").append(column.name); }
  for (const std::string& name : classes) { line.append(",").append(class_column).append(name); }
  return joined({line, "\n"});
}

/// NaN is an empty field.
inline std::string csv_line(const epoch_record& record) {
  std::string line;
  for (const log_column& column : log_columns) {
    if (&column != &log_columns.front()) { line += ','; }
    std::visit([&](auto member) { line += std::isnan(record.*member) ? "" : number_text(record.*member); },
               column.member);
  }
  for (const auto& [name, iou] : record.classes) { line += joined({",", std::isnan(iou) ? "" : number_text(iou)}); }
  return joined({line, "\n"});
}

SEGX_IMPL_COLD std::string json_line(const epoch_record& record) {
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
  return joined({line, "}\n"});
}

/// The parts of `text` between separators: one more than there are separators.
inline std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) { return parts; }
    text.remove_prefix(end + 1);
  }
}

/// Sets a number from a CSV field; false if the field is no number of that kind.
template <typename Number>
bool read_field(std::string_view field, Number& number) {
  const std::optional<Number> found = number_of<Number>(field);
  if (found) { number = *found; }
  return found.has_value();
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
    if (column.name == name && !is_unmeasured) {
      return std::visit([&](auto member) { return read_field(field, record.*member); }, column.member);
    }
  }
  return true;
}

/// A line of log.jsonl; nothing where it is no epoch's, as the first, which says what is trained.
inline std::optional<epoch_record> record_of_json(std::string_view line) {
  json_cursor from{line};
  epoch_record record;
  const bool is_read = from.take_list('{', '}', [&] {
    std::string name;
    if (!from.take_text(name) || !from.take(':')) { return false; }
    from.skip_space();
    const std::string_view field = from.rest.substr(0, from.rest.find_first_of(",}"));
    from.rest.remove_prefix(field.size());
    return read_field(field == "null" ? "" : field, name, record);
  });
  return is_read && record.epoch > 0 ? std::optional{record} : std::nullopt;
}

/// The epochs of log.jsonl, where log.csv is gone.
inline std::vector<epoch_record> records_of_json(const std::filesystem::path& file) {
  std::vector<epoch_record> records;
  std::ifstream stream(file, std::ios::binary);
  for (std::string line; std::getline(stream, line);) {
    if (auto record = record_of_json(line)) { records.push_back(*std::move(record)); }
  }
  return records;
}

}  // namespace detail

SEGX_IMPL_COLD std::vector<epoch_record> read_log(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) { fail({file.string(), ": cannot be opened, there is no log of a training here"}); }
  const std::string text = (std::ostringstream() << stream.rdbuf()).str();
  std::vector<std::string_view> lines = detail::split_at(text, '\n');
  lines.pop_back();  // empty, or a line without its end
  if (lines.empty()) { return {}; }

  const std::vector<std::string_view> names = detail::split_at(lines.front(), ',');
  if (names.front() != log_columns.front().name) {
    fail({file.string(), ": is not a log of a training, its first line must begin with \"epoch\""});
  }

  std::vector<epoch_record> records;
  for (std::size_t line = 1; line < lines.size(); ++line) {
    const auto where = [&] { return joined({file.string(), ", line ", line + 1, ": "}); };
    const std::vector<std::string_view> fields = detail::split_at(lines[line], ',');
    if (fields.size() != names.size()) { fail({where(), "expected ", names.size(), " fields, found ", fields.size()}); }
    epoch_record& record = records.emplace_back();
    for (std::size_t k = 0; k < fields.size(); ++k) {
      if (!detail::read_field(fields[k], names[k], record)) {
        fail({where(), "\"", fields[k], "\" is no value of ", names[k]});
      }
    }
  }
  return records;
}

SEGX_IMPL_COLD training_log::training_log(const std::filesystem::path& run_dir, int resumed_epoch,
                                          const std::string& about, const std::vector<std::string>& classes)
    : csv_file_(run_dir / "log.csv"), json_file_(run_dir / "log.jsonl"), csv_(detail::csv_header(classes)) {
  make_folder(run_dir);
  if (!about.empty()) { json_ = joined({about, "\n"}); }
  if (resumed_epoch > 0) {
    const bool has_table = std::filesystem::exists(csv_file_);
    for (const epoch_record& record : has_table ? read_log(csv_file_) : detail::records_of_json(json_file_)) {
      if (record.epoch <= resumed_epoch) { add(record); }
    }
  }
  write();
}

SEGX_IMPL_COLD void training_log::append(const epoch_record& record) {
  add(record);
  write();
}

SEGX_IMPL_COLD void training_log::add(const epoch_record& record) {
  records_.push_back(record);
  csv_ += detail::csv_line(record);
  json_ += detail::json_line(record);
}

SEGX_IMPL_COLD void training_log::write() const {
  write_file_atomically(json_file_, std::as_bytes(std::span(json_)));
  write_file_atomically(csv_file_, std::as_bytes(std::span(csv_)));
}

}  // namespace segx
