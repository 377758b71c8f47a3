#pragma once

#include <array>
#include <atomic>
#include <cctype>
#include <cstddef>
#include <exception>
#include <mutex>
#include <set>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/joined.hpp>
#include <segx/data/dataset.hpp>

namespace segx {

namespace detail {

/// Threads that end before it does.
struct joined_threads {
  std::vector<std::thread> all = {};

  ~joined_threads() {
    for (std::thread& thread : all) { thread.join(); }
  }
};

SEGX_IMPL_COLD int thread_count(int wanted) {
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

SEGX_IMPL_COLD void in_threads(int count, int threads, const std::function<void(int)>& work) {
  std::atomic<int> next = 0;
  std::mutex guard;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (int k = next++; k < count; k = next++) { work(k); }
    } catch (...) {
      const std::lock_guard lock{guard};
      failure = std::current_exception();
    }
  };
  {
    joined_threads others;
    for (int t = 1; t < std::min(thread_count(threads), count); ++t) { others.all.emplace_back(run); }
    run();
  }
  if (failure) { std::rethrow_exception(failure); }
}

SEGX_IMPL_COLD void report(const std::string& where, std::vector<std::string> problems) {
  constexpr std::size_t shown = 20;
  std::erase(problems, "");
  if (problems.empty()) { return; }
  std::string text =
      joined({where, ": ", problems.size(),
              problems.size() == 1 ? " problem must be solved first" : " problems must be solved first"});
  for (std::size_t k = 0; k < std::min(shown, problems.size()); ++k) { text += joined({"\n  ", problems[k]}); }
  if (problems.size() > shown) { text += joined({"\n  and ", problems.size() - shown, " more"}); }
  fail(text);
}

inline bool has_image_extension(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 10> known{".png",  ".jpg",  ".jpeg", ".bmp", ".tif",
                                                   ".tiff", ".webp", ".pgm",  ".ppm", ".jp2"};
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(known.begin(), known.end(), extension) != known.end();
}

inline std::filesystem::directory_iterator entries_of(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::directory_iterator entries(folder, failure);
  if (failure) { fail({folder.string(), ": cannot be listed (", failure.message(), ")"}); }
  return entries;
}

SEGX_IMPL_COLD std::map<std::string, std::filesystem::path> images_by_stem(const std::filesystem::path& folder,
                                                                           std::vector<std::string>& problems) {
  std::set<std::filesystem::path> files;  // the order of a folder differs from machine to machine
  for (const auto& entry : entries_of(folder)) {
    if (!entry.is_directory() && entry.path().filename().string().front() != '.' && has_image_extension(entry.path())) {
      files.insert(entry.path());
    }
  }
  std::map<std::string, std::filesystem::path> by_stem;
  for (const auto& file : files) {
    if (const auto [found, added] = by_stem.emplace(file.stem().string(), file); !added) {
      problems.push_back(joined({file.string(), ": has the same stem as ", found->second.filename().string(),
                                 ", so one of them must be renamed or removed"}));
    }
  }
  return by_stem;
}

/// The label map that one mask file holds; of overlapping classes 0 and 1.
inline cv::Mat read_mask_file(const dataset& data, const std::filesystem::path& file, std::optional<int> threshold) {
  return data.labels == label_kind::exclusive ? read_label_map(file, static_cast<int>(data.classes.size()))
                                              : read_mask(file, threshold);
}

/// Notes which classes a mask file shows, that of class `k` where classes overlap.
inline void note_classes(sample& s, const dataset& data, const cv::Mat& mask, std::size_t k) {
  if (data.labels != label_kind::exclusive) {
    s.has_class[k] = cv::countNonZero(mask) > 0;
    return;
  }
  for (const int value : distinct_values(mask)) { s.has_class[static_cast<std::size_t>(value)] = true; }
}

/// Notes what kind of image a sample has, and of which classes. Returns what is wrong with its files, or nothing.
inline std::string inspect(sample& s, const dataset& data, std::optional<int> mask_threshold) try {
  const cv::Mat image = decode_file(s.image);
  s.height = image.rows;
  s.width = image.cols;
  s.bytes = image.depth() == CV_8U ? 1 : 2;
  if (!s.masks.empty()) { s.has_class.assign(data.classes.size(), false); }
  for (std::size_t k = 0; k < s.masks.size(); ++k) {
    const cv::Mat mask = read_mask_file(data, s.masks[k], mask_threshold);
    if (mask.size() != image.size()) {
      return joined({s.masks[k].string(), ": has ", size_text(mask.size()), " pixels, but its image has ",
                     size_text(image.size())});
    }
    note_classes(s, data, mask, k);
  }
  return {};
} catch (const std::exception& failure) { return failure.what(); }

/// The folders DIR/masks_<class> by class.
inline std::map<std::string, std::filesystem::path> class_folders(const std::filesystem::path& folder) {
  constexpr std::string_view prefix = "masks_";
  std::map<std::string, std::filesystem::path> found;
  for (const auto& entry : entries_of(folder)) {
    if (const std::string name = entry.path().filename().string();
        entry.is_directory() && name.starts_with(prefix) && name.size() > prefix.size()) {
      found.emplace(name.substr(prefix.size()), entry.path());
    }
  }
  return found;
}

SEGX_IMPL_COLD std::string fault_of_class_name(const std::string& name) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (name.empty()) { return "has no name"; }
  if (name.find_first_of("/\\,") != name.npos) { return "has a slash or a comma in its name"; }
  return std::any_of(name.begin(), name.end(), is_control) ? "has a control character in its name" : "";
}

/// What is wrong with names of classes, which must be told apart and be written; "" if nothing.
inline std::string fault_of_class_names(const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (const std::string wrong = fault_of_class_name(name); !wrong.empty()) {
      return joined({"class ", seen.size() + 1, " of ", names.size(), " ", wrong, "; choose another"});
    }
    if (!seen.insert(name).second) {
      return joined({"two classes are called \"", name, "\"; choose another name for one"});
    }
  }
  return "";
}

SEGX_IMPL_COLD std::string fault_of_labels(const scan_options& options) {
  const std::size_t named = options.classes.size();
  if (options.labels == label_kind::binary && named > 1) {
    return joined({"binary masks have one class, not ", named, "; ask for exclusive or overlapping labels"});
  }
  if (options.labels == label_kind::exclusive) {
    if (named < 2 || named > most_exclusive_classes) {
      return joined(
          {"exclusive labels need the names of 2 to ", most_exclusive_classes, " classes, the background first"});
    }
    if (options.mask_threshold) { return "a mask threshold has no meaning for labels of several classes"; }
  }
  return fault_of_class_names(options.classes);
}

struct folder_layout {
  dataset data;                                     // without samples
  std::vector<std::filesystem::path> mask_folders;  // one, or one for each overlapping class
};

/// Throws `error` where the folders do not say which of them hold the masks.
inline void expect_one_layout(const std::filesystem::path& masks,
                              const std::map<std::string, std::filesystem::path>& by_class) {
  if (by_class.empty() || !std::filesystem::is_directory(masks)) { return; }
  std::string others;
  for (const auto& [name, folder] : by_class) { others += joined({others.empty() ? "" : ", ", folder.string()}); }
  fail({masks.string(), " and ", others,
        ": either may be meant; say binary labels (--labels binary) or exclusive ones ",
        "(--labels exclusive) for the masks in the first, overlapping ones (--labels overlapping) for the others"});
}

inline folder_layout layout_of(const std::filesystem::path& folder, const scan_options& options) {
  const std::filesystem::path masks = folder / "masks";
  const auto by_class = class_folders(folder);
  if (!options.labels) { expect_one_layout(masks, by_class); }
  const bool overlapping = options.labels ? *options.labels == label_kind::overlapping
                                          : !std::filesystem::is_directory(masks) && !by_class.empty();
  const auto expect = [&](const std::string& wrong) {
    if (!wrong.empty()) { fail({folder.string(), ": ", wrong}); }
  };
  dataset data;
  data.labels = overlapping ? label_kind::overlapping : options.labels.value_or(label_kind::binary);
  scan_options meant = options;
  meant.labels = data.labels;
  expect(fault_of_labels(meant));
  if (!options.classes.empty()) { data.classes = options.classes; }
  if (!overlapping) { return {data, {masks}}; }

  if (options.classes.empty()) {
    data.classes.clear();
    for (const auto& [name, unused] : by_class) { data.classes.push_back(name); }
  }
  if (data.classes.empty()) { fail({folder.string(), ": has no folders masks_<class>"}); }
  if (data.classes.size() > most_overlapping_classes) {
    fail({folder.string(), ": has ", data.classes.size(), " overlapping classes, at most ", most_overlapping_classes,
          " can be used; name those that should be"});
  }
  expect(fault_of_class_names(data.classes));
  std::vector<std::filesystem::path> folders;
  for (const std::string& name : data.classes) { folders.push_back(folder / joined({"masks_", name})); }
  return {data, folders};
}

}  // namespace detail

SEGX_IMPL_COLD std::vector<std::string> numbered_classes(int count) {
  std::vector<std::string> names{"background"};
  for (int k = 1; k < count; ++k) { names.push_back(joined({"class ", k})); }
  return names;
}

SEGX_IMPL_COLD std::vector<std::string> classes_without_pixels(const dataset& data, const std::vector<int>& indices) {
  std::vector<std::string> names;
  for (std::size_t k = data.labels == label_kind::exclusive ? 1 : 0; k < data.classes.size(); ++k) {
    const bool is_seen = std::any_of(indices.begin(), indices.end(), [&](int index) {
      const sample& s = data.samples[static_cast<std::size_t>(index)];
      return s.has_class.empty() || s.has_class[k];
    });
    if (!is_seen) { names.push_back(data.classes[k]); }
  }
  return names;
}

SEGX_IMPL_COLD cv::Mat read_labels(const dataset& data, const sample& s, std::optional<int> mask_threshold) {
  cv::Mat labels = detail::read_mask_file(data, s.masks.at(0), mask_threshold);
  for (std::size_t k = 1; k < s.masks.size(); ++k) {
    const cv::Mat mask = detail::read_mask_file(data, s.masks[k], mask_threshold);
    if (mask.size() != labels.size()) {
      fail({s.masks[k].string(), ": has ", detail::size_text(mask.size()), " pixels, but ", s.masks[0].string(),
            " has ", detail::size_text(labels.size())});
    }
    labels |= mask * (1 << k);
  }
  return labels;
}

SEGX_IMPL_COLD dataset scan_folder(const std::filesystem::path& folder, const scan_options& options) {
  namespace fs = std::filesystem;
  const fs::path images = folder / "images";
  if (!fs::is_directory(folder)) { fail({folder.string(), ": no such folder"}); }
  detail::folder_layout layout = detail::layout_of(folder, options);
  const std::vector<fs::path>& mask_folders = layout.mask_folders;
  dataset& found = layout.data;
  const auto expected = [&] {
    std::string text = images.string();
    if (options.need_masks) {
      for (const fs::path& masks : mask_folders) { text += joined({" and ", masks.string()}); }
    }
    return text;
  };
  bool complete = fs::is_directory(images);
  for (const fs::path& masks : mask_folders) {
    complete = complete && (!options.need_masks || fs::is_directory(masks));
  }
  if (!complete) { fail({folder.string(), ": expected ", expected()}); }

  std::vector<std::string> problems;
  const auto image_files = detail::images_by_stem(images, problems);
  if (image_files.empty()) {
    fail({images.string(), ": holds no images (PNG, JPEG, …), expected some there and their masks in ",
          mask_folders.front().string()});
  }
  for (const auto& [stem, image] : image_files) {
    found.samples.push_back({stem, image, {}});
    if (stem.find_first_of("\r\n") != stem.npos) {
      problems.push_back(
          joined({image.string(), ": has a line break in its name, which lists cannot hold; rename it"}));
    }
  }

  for (const fs::path& masks : mask_folders) {
    auto mask_files = fs::is_directory(masks) ? detail::images_by_stem(masks, problems) : decltype(image_files){};
    for (sample& s : found.samples) {
      const auto mask = mask_files.extract(s.stem);
      if (!mask.empty()) {
        s.masks.push_back(mask.mapped());
      } else if (options.need_masks) {
        problems.push_back(
            joined({s.image.string(), ": has no mask, expected ", (masks / joined({s.stem, ".png"})).string()}));
      }
    }
    if (options.need_masks) {
      for (const auto& [stem, mask] : mask_files) {
        problems.push_back(
            joined({mask.string(), ": has no image, expected ", (images / joined({stem, ".png"})).string()}));
      }
    }
  }
  if (options.decode) {
    std::vector<std::string> broken(found.samples.size());
    detail::in_threads(static_cast<int>(found.samples.size()), options.threads,
                       [&](int k) { broken[k] = detail::inspect(found.samples[k], found, options.mask_threshold); });
    problems.insert(problems.end(), broken.begin(), broken.end());
  }
  detail::report(folder.string(), std::move(problems));
  for (sample& s : found.samples) {
    if (s.masks.size() < mask_folders.size()) {
      s.masks.clear();  // some of the classes make no label map
      s.has_class.clear();
    }
  }
  return found;
}

}  // namespace segx
