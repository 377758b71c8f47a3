#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/read_image.hpp>

namespace segx {

/// One image and its masks, which have the same stem: images/a7.jpg and masks/a7.png.
struct sample {
  std::string stem;
  std::filesystem::path image;
  std::vector<std::filesystem::path>
      masks;                         // one; of overlapping classes one each; none where none is needed and found
  int height = 0, width = 0;         // of the image; 0 where it was not decoded
  int bytes = 0;                     // of a stored value: 1 or 2
  std::vector<bool> has_class = {};  // whether its masks have a pixel of each of the classes; empty where not decoded
  bool mirrored = false;             // left to right: what is read of both is turned
};

/// Samples in ascending order of their stems, copies of some behind them; everything else names a sample by its index
/// here.
struct dataset {
  std::vector<sample> samples;
  label_kind labels = label_kind::binary;
  std::vector<std::string> classes = {"foreground"};  // names of the planes of a mask [K,H,W]
};

struct scan_options {
  int threads = 0;                         // that decode the files; 0: one for each processor
  std::optional<int> mask_threshold = {};  // as for read_mask
  bool need_masks = true;                  // false: a sample's masks, and their folders, may be missing
  bool decode = true;                      // false: only the names are checked
  std::optional<label_kind> labels = {};   // none: overlapping where there is DIR/masks_*, else binary; not both
  std::vector<std::string> classes = {};  // exclusive: names of the values 0 … K − 1; overlapping: which folders, in
};                                        // which order, or all; binary: one name

namespace detail {

int thread_count(int wanted);

/// Calls work(k) for each k in {0, …, count − 1} from several threads. What one of them throws is thrown when all have
/// ended.
void in_threads(int count, int threads, const std::function<void(int)>& work);

/// One error that lists every problem, a line each, the first twenty in full; nothing if there is none. `problems` may
/// have empty entries: files that are all right.
void report(const std::string& where, std::vector<std::string> problems);

/// What is wrong with kind and names of labels, whatever the folder has; "" if nothing.
std::string fault_of_labels(const scan_options& options);

/// What is wrong with a name of a class, which is part of names of files and of lists with commas; "" if nothing.
std::string fault_of_class_name(const std::string& name);

/// The images of a folder by stem; hidden files, folders and files of other kinds are passed over.
std::map<std::string, std::filesystem::path> images_by_stem(const std::filesystem::path& folder,
                                                            std::vector<std::string>& problems);

inline std::string size_text(cv::Size size) { return joined({size.width, " x ", size.height}); }

}  // namespace detail

/// Names for `count` exclusive classes: background, class 1, class 2, …
std::vector<std::string> numbered_classes(int count);

/// Names of the classes of which the masks of these samples have not one pixel, as far as that is known; of exclusive
/// ones without the background.
std::vector<std::string> classes_without_pixels(const dataset& data, const std::vector<int>& indices);

/// A sample's label map, CV_8UC1 of its image's size. The sample must have masks.
cv::Mat read_labels(const dataset& data, const sample& s, std::optional<int> mask_threshold = {});

/// Finds the images DIR/images/* and their masks (PNG, JPEG and other images, extensions in any case) and decodes all
/// of them, in threads. A mask has its image's stem and is
///
///   DIR/masks/<stem>.*          0 and 255, or 0 and 1; where exclusive labels are asked for, the index of the class
///   DIR/masks_<class>/<stem>.*  the same for each of several classes that may overlap
///
/// Whatever is wrong (a missing partner, two files of one stem, an unreadable, cut off or empty file, a mask with other
/// values or of another size) is told in one segx::error that lists all of it.
dataset scan_folder(const std::filesystem::path& folder, const scan_options& options = {});

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/impl/dataset.hpp>
#endif
