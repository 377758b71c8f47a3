#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/core/random.hpp>
#include <segx/data/split.hpp>
#include <segx/io/byte_order_mark.hpp>

namespace segx {

SEGX_IMPL_COLD void expect_split(const split& parts, const dataset& data) {
  std::vector<const char*> side(data.samples.size());
  for (const auto& [name, indices] : {std::pair{"training", &parts.train}, std::pair{"validation", &parts.val}}) {
    if (indices->empty()) { fail({"a split without samples for ", name}); }
    for (const int i : *indices) {
      if (i < 0 || static_cast<std::size_t>(i) >= side.size()) {
        fail({"a split names sample ", i, " for ", name, ", but there are ", side.size()});
      }
      const char*& taken = side[static_cast<std::size_t>(i)];
      if (taken != nullptr) {
        fail({"a split has the sample \"", data.samples[static_cast<std::size_t>(i)].stem, "\" twice, for ", taken,
              " and for ", name});
      }
      taken = name;
    }
  }
}

SEGX_IMPL_COLD void double_by_mirroring(dataset& data, split& parts) {
  for (std::size_t k = 0, count = parts.train.size(); k < count; ++k) {
    sample copy = data.samples[static_cast<std::size_t>(parts.train[k])];
    copy.mirrored = !copy.mirrored;
    parts.train.push_back(static_cast<int>(data.samples.size()));
    data.samples.push_back(std::move(copy));
  }
}

SEGX_IMPL_COLD split split_by_fraction(int count, double fraction, std::uint64_t seed) {
  if (count < 2) {
    fail({"a training needs two images at least, one to train on and one to validate; there ",
          count == 1 ? "is only one" : "are none"});
  }
  const auto val_count = std::lround(std::clamp(fraction, 0.0, 1.0) * count);
  if (!(fraction > 0 && fraction < 1) || val_count < 1 || val_count >= count) {
    fail({"a validation fraction of ", fraction, " leaves one side of ", count,
          " samples empty; give one between 0 and 1 that leaves at least one on each side"});
  }
  std::vector<int> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  random_generator({seed}).shuffle(std::span(order));
  split parts{{order.begin() + val_count, order.end()}, {order.begin(), order.begin() + val_count}};
  std::sort(parts.train.begin(), parts.train.end());
  std::sort(parts.val.begin(), parts.val.end());
  return parts;
}

SEGX_IMPL_COLD split split_by_fraction(const dataset& data, double fraction, std::uint64_t seed) {
  return split_by_fraction(static_cast<int>(data.samples.size()), fraction, seed);
}

SEGX_IMPL_COLD std::vector<int> samples_in_list(const dataset& data, const std::filesystem::path& list) {
  std::error_code ignored;
  if (std::filesystem::is_directory(list, ignored)) {
    fail({list.string(), ": is a folder, expected a file with a list of stems, one a line"});
  }
  std::ifstream stream(list);
  if (!stream) { fail({list.string(), ": cannot be opened, expected a list of stems, one a line"}); }
  std::set<std::string> stems;
  std::unordered_set<std::string_view> known;
  for (const sample& s : data.samples) { known.insert(s.stem); }
  for (std::string read; std::getline(stream, read);) {
    std::string_view line = stems.empty() ? detail::without_byte_order_mark(read) : std::string_view{read};
    if (line.ends_with('\r')) { line.remove_suffix(1); }
    constexpr const char* blank = " \t";
    const std::size_t first = line.find_first_not_of(blank);
    if (first == line.npos) { continue; }
    const std::string_view trimmed = line.substr(first, line.find_last_not_of(blank) - first + 1);
    stems.emplace(known.contains(line) ? line : trimmed);  // blanks may belong to a stem
  }
  if (stems.empty()) { fail({list.string(), ": lists no stems"}); }

  std::vector<int> listed;
  for (std::size_t k = 0; k < data.samples.size(); ++k) {
    if (stems.erase(data.samples[k].stem) > 0) { listed.push_back(static_cast<int>(k)); }
  }
  std::vector<std::string> unknown;
  unknown.reserve(stems.size());
  for (const std::string& stem : stems) { unknown.push_back(joined({stem, ": no sample has this stem"})); }
  detail::report(list.string(), std::move(unknown));
  return listed;
}

SEGX_IMPL_COLD split split_by_list(const dataset& data, const std::filesystem::path& list) {
  split parts{.train = {}, .val = samples_in_list(data, list)};
  for (int k = 0; k < static_cast<int>(data.samples.size()); ++k) {
    if (!std::binary_search(parts.val.begin(), parts.val.end(), k)) { parts.train.push_back(k); }
  }
  if (parts.train.empty()) { fail({list.string(), ": lists all samples, so nothing is left to train on"}); }
  return parts;
}

}  // namespace segx
