#pragma once

#include <algorithm>
#include <fstream>
#include <limits>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/train/feed_choice.hpp>
#include <segx/train/recipe_data.hpp>

namespace segx {

SEGX_IMPL_COLD std::optional<std::int64_t> available_memory() {
  const auto number_in = [](const char* file) -> std::optional<std::int64_t> {
    std::ifstream stream(file);
    std::int64_t value = 0;
    return stream >> value ? std::optional{value} : std::nullopt;
  };
  std::optional<std::int64_t> available;
  std::ifstream machine("/proc/meminfo");
  for (std::string name, unit; machine >> name; std::getline(machine, unit)) {
    std::int64_t kilobytes = 0;
    if (name == "MemAvailable:" && machine >> kilobytes) { available = 1024 * kilobytes; }
  }
  const auto limit = number_in("/sys/fs/cgroup/memory.max"), used = number_in("/sys/fs/cgroup/memory.current");
  if (available && limit && used) { available = std::min(*available, std::max<std::int64_t>(0, *limit - *used)); }
  return available;
}

SEGX_IMPL_COLD std::string feed_choice::text() const {
  const auto megabytes = [](std::int64_t bytes) { return joined({(bytes + 999'999) / 1'000'000, " MB"}); };
  const std::string room =
      available ? joined({megabytes(*available), " are available"}) : "it is not known what is available";
  return mode == feed::in_memory ? joined({"images in memory, ", megabytes(image_bytes), " (", room, ")"})
                                 : joined({"images read in each epoch; in memory they would take ",
                                           megabytes(image_bytes), " (", room, ")"});
}

SEGX_IMPL_COLD std::int64_t image_bytes(const recipe& r, int channels, const dataset& data, const split& parts) {
  const loader_options options = loader_options_of(r, channels, feed::in_memory, true);
  return static_cast<std::int64_t>(memory_needed(options, data, parts.train).samples +
                                   memory_needed(options, data, parts.val).samples);
}

SEGX_IMPL_COLD feed_choice choose_feed(const std::string& word, std::int64_t images, std::int64_t others,
                                       std::optional<std::int64_t> available) {
  const bool fits = available && images + others <= *available / 5 * 4;
  if (word == "memory" || (word == "auto" && fits)) { return {feed::in_memory, images, available}; }
  if (word == "stream" || word == "auto") { return {feed::streamed, images, available}; }
  fail({"no feed is called \"", word, "\"; choose auto, memory or stream"});
}

}  // namespace segx
