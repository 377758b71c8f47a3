#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/data/dataset.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/read_image.hpp>
#include <segx/io/checksum.hpp>

namespace segx {

/// What one image and its masks look like.
struct image_facts {
  int height = 0, width = 0;
  int bits = 8;                       // of a stored value
  bool colour = false;                // its channels differ
  double darkest = 0, brightest = 0;  // of its gray values in [0,1]
  double mean = 0, deviation = 0;     // of the same
  std::vector<double> shares;         // of its pixels, for each class; of exclusive classes without the background
  int objects = 0;                    // connected parts of all that is not background, without specks
  double object_extent = 0;           // of the median one: the side, in pixels, of a square of its area
  std::string pixels;                 // checksum of what is stored

  double aspect() const { return static_cast<double>(width) / height; }
};

/// An image that somebody should look at before a training, and why.
struct odd_image {
  int index = 0;
  std::string why;
};

/// What a dataset looks like. Medians are over images.
struct survey {
  std::vector<image_facts> images;  // by the samples' indices
  label_kind labels = label_kind::binary;
  std::vector<std::string> classes;  // those of image_facts::shares
  std::vector<odd_image> odd;

  template <class Fact>
  double median(const Fact& fact) const {
    std::vector<double> values;
    for (const image_facts& f : images) { values.push_back(fact(f)); }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }
  template <class Fact>
  double mean(const Fact& fact) const {
    double sum = 0;
    for (const image_facts& f : images) { sum += fact(f); }
    return sum / static_cast<double>(images.size());
  }
};

/// The images of `s` that somebody should look at: constant, very dark or bright where few are, of another shape than
/// most, with empty or full masks, with the same pixels as one before them. In the order of the samples.
std::vector<odd_image> odd_images(const dataset& data, const survey& s);

/// Looks at every image and mask of a dataset whose samples have masks, in threads. Throws segx::error with all files
/// that cannot be read.
survey survey_of(const dataset& data, std::optional<int> mask_threshold = {}, int threads = 0);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/data/impl/survey.hpp>
#endif
