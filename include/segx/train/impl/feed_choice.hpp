#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/train/feed_choice.hpp>
#include <segx/train/recipe_data.hpp>

namespace segx {

namespace detail {

/// The number behind `name` in a file of names and numbers; without a name, the one that the file is.
inline std::optional<std::int64_t> number_in(const std::filesystem::path& file, std::string_view name = {}) {
  std::ifstream stream(file);
  std::int64_t value = 0;
  if (name.empty()) { return stream >> value ? std::optional{value} : std::nullopt; }
  for (std::string word; stream >> word >> value;) {
    if (word == name) { return value; }
  }
  return std::nullopt;
}

SEGX_IMPL_COLD std::optional<std::int64_t> left_by_control_groups(const std::filesystem::path& root,
                                                                  const std::filesystem::path& list) {
  std::ifstream groups(list);  // "0::/user.slice/…"
  std::string line;
  while (std::getline(groups, line) && !line.starts_with("0::/")) {}
  std::filesystem::path group = root;
  if (line.starts_with("0::/")) { group /= line.substr(4); }
  std::optional<std::int64_t> least;
  while (true) {
    const auto limit = number_in(group / "memory.max"), used = number_in(group / "memory.current");
    if (limit && used) {
      const std::int64_t kept = number_in(group / "memory.stat", "inactive_file").value_or(0);
      const std::int64_t left = std::max<std::int64_t>(0, *limit - (*used - kept));
      least = std::min(left, least.value_or(left));
    }
    if (group == root || !group.has_relative_path()) { return least; }
    group = group.parent_path();
  }
}

}  // namespace detail

SEGX_IMPL_COLD std::optional<std::int64_t> available_memory() {
  std::optional<std::int64_t> available;
  std::ifstream machine("/proc/meminfo");
  for (std::string name, unit; machine >> name; std::getline(machine, unit)) {
    std::int64_t kilobytes = 0;
    if (name == "MemAvailable:" && machine >> kilobytes) { available = 1024 * kilobytes; }
  }
  const auto left = detail::left_by_control_groups("/sys/fs/cgroup", "/proc/self/cgroup");
  if (available && left) { available = std::min(*available, *left); }
  return available;
}

SEGX_IMPL_COLD std::string feed_choice::text() const {
  const auto megabytes = [](std::int64_t count) { return joined({(count + 999'999) / 1'000'000, " MB"}); };
  const std::string room =
      available ? joined({megabytes(*available), " are available"}) : "it is not known what is available";
  const std::string images = megabytes(bytes.images), loading = joined({megabytes(bytes.loading), " to load batches"});
  return mode == feed::in_memory ? joined({"images in memory, ", images, ", and ", loading, " (", room, ")"})
                                 : joined({"images read in each epoch, ", loading, "; in memory they would take ",
                                           images, " more (", room, ")"});
}

SEGX_IMPL_COLD feed_bytes bytes_to_feed(const recipe& r, int channels, int threads, const dataset& data,
                                        const split& parts) {
  loader_options options = loader_options_of(r, channels, feed::in_memory, true);
  options.threads = threads;
  const loader_memory train = memory_needed(options, data, parts.train), val = memory_needed(options, data, parts.val);
  return {static_cast<std::int64_t>(train.samples + val.samples),
          static_cast<std::int64_t>(train.batches + train.work + val.batches + val.work)};
}

SEGX_IMPL_COLD feed_choice choose_feed(const std::string& word, const feed_bytes& bytes, std::int64_t others,
                                       std::optional<std::int64_t> available) {
  const bool fits = available && bytes.images + bytes.loading + others <= *available / 5 * 4;
  if (word == "memory" || (word == "auto" && fits)) { return {feed::in_memory, bytes, available, others}; }
  if (word == "stream" || word == "auto") { return {feed::streamed, bytes, available, others}; }
  fail({"no feed is called \"", word, "\"; choose auto, memory or stream"});
}

}  // namespace segx
