#pragma once

#include <locale>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include <segx/core/joined.hpp>
#include <segx/metrics/confusion.hpp>
#include <segx/metrics/surface.hpp>

namespace segx {

/// How well one class of one image is segmented.
template <class Unit>
struct class_scores {
  std::string image;
  std::string label;  ///< of the class, such as "left lung"
  confusion counts{};
  std::optional<surface_distance<Unit>> surface{};
};

namespace detail {

/// A field of a CSV file, in quotes where it needs them (RFC 4180).
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) { return std::string(text); }
  std::string quoted = "\"";
  for (const char c : text) { quoted += c == '"' ? "\"\"" : std::string(1, c); }
  return joined({quoted, "\""});
}

}  // namespace detail

/// A CSV table of all metrics, with a line for each class of each image. The unit is in the names of its columns, as in
/// "hd95_mm"; the fields of a distance that does not exist, as one mask is empty, are empty.
template <class Unit>
std::string score_table(std::span<const class_scores<Unit>> rows) {
  std::ostringstream csv;
  csv.imbue(std::locale::classic());
  csv.precision(6);
  csv << "image,class,iou,dice,precision,recall,specificity,accuracy,hd95_" << Unit::symbol << ",assd_" << Unit::symbol
      << '\n';
  for (const class_scores<Unit>& row : rows) {
    const confusion& c = row.counts;
    csv << detail::csv_field(row.image) << ',' << detail::csv_field(row.label) << ',' << c.iou() << ',' << c.dice()
        << ',' << c.precision() << ',' << c.recall() << ',' << c.specificity() << ',' << c.accuracy() << ',';
    if (row.surface) { csv << row.surface->hd95.value; }
    csv << ',';
    if (row.surface) { csv << row.surface->assd.value; }
    csv << '\n';
  }
  return csv.str();
}

}  // namespace segx
