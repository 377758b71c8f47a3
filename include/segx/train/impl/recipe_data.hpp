#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/io/checksum.hpp>
#include <segx/train/recipe_data.hpp>

namespace segx {

SEGX_IMPL_COLD scan_options scan_options_of(const recipe& r) {
  scan_options options{.mask_threshold = r.mask_threshold};
  for (const label_kind kind : {label_kind::binary, label_kind::exclusive, label_kind::overlapping}) {
    if (r.labels == text_of(kind)) { options.labels = kind; }
  }
  if (!options.labels && r.labels != "auto") {
    fail({"there are no labels \"", r.labels, "\"; choose auto, binary, exclusive or overlapping"});
  }
  for (std::size_t at = 0; !r.classes.empty() && at <= r.classes.size();) {
    const std::size_t end = std::min(r.classes.find(',', at), r.classes.size());
    options.classes.push_back(r.classes.substr(at, end - at));
    at = end + 1;
  }
  if (const std::string wrong = detail::fault_of_labels(options); !wrong.empty()) { fail(wrong); }
  return options;
}

SEGX_IMPL_COLD split split_of(const dataset& data, const recipe& r) {
  return r.validation_list.empty() ? split_by_fraction(data, r.validation, r.seed)
                                   : split_by_list(data, r.validation_list);
}

SEGX_IMPL_COLD bool has_windows(const recipe& r) {
  if (r.framing == "stretch" || r.framing == "window") { return r.framing == "window"; }
  fail({"no framing is called \"", r.framing, "\"; choose stretch or window"});
}

SEGX_IMPL_COLD loader_options loader_options_of(const recipe& r, int channels, feed mode, bool training) {
  const framing window = training ? framing::random_window : framing::centred_window;
  return {.height = r.height,
          .width = r.width,
          .channels = channels,
          .normalise = parse_normalisation(r.normalisation),
          .batch = training ? r.batch : 1,
          .threads = 1,
          .mode = mode,
          .seed = r.seed,
          .shuffle = training,
          .mask_threshold = r.mask_threshold,
          .frame = has_windows(r) ? window : framing::stretch,
          .foreground = training && has_windows(r) ? r.foreground : 0};
}

SEGX_IMPL_COLD std::string images_sha256(const dataset& data, const split& parts) {
  std::string all;
  const auto add_length = [&](const std::filesystem::path& file) {
    std::error_code ignored;
    all += joined({" ", std::filesystem::file_size(file, ignored)});
  };
  for (const std::vector<int>* indices : {&parts.train, &parts.val}) {
    for (const int index : *indices) {
      const sample& s = data.samples[static_cast<std::size_t>(index)];
      all += s.stem;
      add_length(s.image);
      for (const std::filesystem::path& mask : s.masks) { add_length(mask); }
      all += '\n';
    }
    all += '\n';
  }
  return sha256(std::as_bytes(std::span{all}));
}

}  // namespace segx
