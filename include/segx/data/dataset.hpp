#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/image/read_image.hpp>

namespace segx {

/// One image and its mask, which have the same stem: images/a7.jpg and masks/a7.png.
struct sample {
  std::string stem;
  std::filesystem::path image;
  std::filesystem::path mask;  // empty where masks are not needed and there is none
};

/// Samples in ascending order of their stems; everything else names a sample by its index here.
struct dataset {
  std::vector<sample> samples;
};

struct scan_options {
  int threads = 0;                         // that decode the files; 0: one for each processor
  std::optional<int> mask_threshold = {};  // as for read_mask
  bool need_masks = true;                  // false: DIR/masks, and any mask in it, may be missing
  bool decode = true;                      // false: only the names are checked
};

namespace detail {

inline int thread_count(int wanted) {
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Calls work(k) for each k in {0, …, count − 1} from several threads; work must not throw.
template <class Work>
void in_threads(int count, int threads, const Work& work) {
  std::atomic<int> next = 0;
  const auto run = [&] {
    for (int k = next++; k < count; k = next++) work(k);
  };
  std::vector<std::jthread> others;
  for (int t = 1; t < std::min(thread_count(threads), count); ++t) others.emplace_back(run);
  run();
}

/// One error that lists every problem, a line each, the first twenty in full; nothing if there is none. `problems` may
/// have empty entries: files that are all right.
inline void report(const std::string& where, std::vector<std::string> problems) {
  constexpr std::size_t shown = 20;
  std::erase(problems, "");
  if (problems.empty()) return;
  std::string text = where + ": " + std::to_string(problems.size()) +
                     (problems.size() == 1 ? " problem must be solved first" : " problems must be solved first");
  for (std::size_t k = 0; k < std::min(shown, problems.size()); ++k) text += "\n  " + problems[k];
  if (problems.size() > shown) text += "\n  and " + std::to_string(problems.size() - shown) + " more";
  throw error(text);
}

inline bool has_image_extension(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 10> known{".png",  ".jpg",  ".jpeg", ".bmp", ".tif",
                                                   ".tiff", ".webp", ".pgm",  ".ppm", ".jp2"};
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(known.begin(), known.end(), extension) != known.end();
}

/// The images of a folder by stem; hidden files, folders and files of other kinds are passed over.
inline std::map<std::string, std::filesystem::path> images_by_stem(const std::filesystem::path& folder,
                                                                   std::vector<std::string>& problems) {
  std::vector<std::filesystem::path> files;
  std::error_code failure;
  const std::filesystem::directory_iterator entries(folder, failure);
  if (failure) throw error(folder.string() + ": cannot be listed (" + failure.message() + ")");
  for (const auto& entry : entries)
    if (!entry.is_directory() && entry.path().filename().string().front() != '.' && has_image_extension(entry.path()))
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());  // the order of a folder differs from machine to machine
  std::map<std::string, std::filesystem::path> by_stem;
  for (const auto& file : files)
    if (const auto [found, added] = by_stem.emplace(file.stem().string(), file); !added)
      problems.push_back(file.string() + ": has the same stem as " + found->second.filename().string() +
                         ", so one of them must be renamed or removed");
  return by_stem;
}

/// What is wrong with a sample's files, or nothing.
inline std::string problem_of(const sample& s, std::optional<int> mask_threshold) try {
  const cv::Mat image = read_gray(s.image);
  if (s.mask.empty()) return {};
  const cv::Mat mask = read_mask(s.mask, mask_threshold);
  if (image.size() == mask.size()) return {};
  const auto size = [](const cv::Mat& m) { return std::to_string(m.cols) + " x " + std::to_string(m.rows); };
  return s.mask.string() + ": has " + size(mask) + " pixels, but its image has " + size(image);
} catch (const std::exception& failure) { return failure.what(); }

}  // namespace detail

/// Finds the pairs DIR/images/* and DIR/masks/<same stem>.* (PNG, JPEG and other images, extensions in any case) and
/// decodes all of them, in threads. Whatever is wrong (a missing partner, two files of one stem, an unreadable, cut off
/// or empty file, a mask with other values or of another size) is told in one segx::error that lists all of it.
inline dataset scan_folder(const std::filesystem::path& folder, const scan_options& options = {}) {
  namespace fs = std::filesystem;
  const fs::path images = folder / "images";
  const fs::path masks = folder / "masks";
  if (!fs::is_directory(folder)) throw error(folder.string() + ": no such folder");
  if (!fs::is_directory(images) || (options.need_masks && !fs::is_directory(masks)))
    throw error(folder.string() + ": expected " + images.string() +
                (options.need_masks ? " and " + masks.string() : ""));

  std::vector<std::string> problems;
  const auto image_files = detail::images_by_stem(images, problems);
  auto mask_files = fs::is_directory(masks) ? detail::images_by_stem(masks, problems) : decltype(image_files){};
  if (image_files.empty() && mask_files.empty())
    throw error(images.string() + ": holds no images (PNG, JPEG, …), expected some there and their masks in " +
                masks.string());

  dataset found;
  for (const auto& [stem, image] : image_files) {
    const auto mask = mask_files.extract(stem);
    if (mask.empty() && options.need_masks)
      problems.push_back(image.string() + ": has no mask, expected " + (masks / (stem + ".png")).string());
    found.samples.push_back({stem, image, mask.empty() ? fs::path() : mask.mapped()});
  }
  if (options.need_masks)
    for (const auto& [stem, mask] : mask_files)
      problems.push_back(mask.string() + ": has no image, expected " + (images / (stem + ".png")).string());

  if (options.decode) {
    std::vector<std::string> broken(found.samples.size());
    detail::in_threads(static_cast<int>(found.samples.size()), options.threads,
                       [&](int k) { broken[k] = detail::problem_of(found.samples[k], options.mask_threshold); });
    problems.insert(problems.end(), broken.begin(), broken.end());
  }
  detail::report(folder.string(), std::move(problems));
  return found;
}

}  // namespace segx
