#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include <segx/core/random.hpp>
#include <segx/data/augment/augmentation.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/write_image.hpp>

namespace segx {

/// A picture of an image with the outline of each class, BGR; the background of exclusive classes has none.
inline cv::Mat outlined(const image_and_mask& x, label_kind labels, int classes) {
  cv::Mat picture;
  x.image.convertTo(picture, CV_8U, 255);
  cv::cvtColor(picture, picture, picture.channels() == 1 ? cv::COLOR_GRAY2BGR : cv::COLOR_RGB2BGR);
  for (int k = labels == label_kind::exclusive ? 1 : 0; k < classes; ++k)
    picture.setTo(overlay_class_colours[static_cast<std::size_t>(k) % overlay_class_colours.size()],
                  detail::inner_contour(mask_of_class(x.mask, labels, k), detail::contour_thickness(picture)));
  return picture;
}

/// What an augmentation does: a row for each sample, with the sample as it is and `count` random versions of it.
inline cv::Mat augmentation_sheet(const std::vector<image_and_mask>& samples, label_kind labels, int classes,
                                  const any_augmentation& augment, int count, std::uint64_t seed) {
  std::vector<cv::Mat> cells;
  for (std::size_t k = 0; k < samples.size(); ++k) {
    cells.push_back(outlined(samples[k], labels, classes));
    for (int version = 0; version < count; ++version) {
      random_generator random({seed, k, static_cast<std::uint64_t>(version)});
      cells.push_back(outlined(augment(samples[k], random), labels, classes));
    }
  }
  return contact_sheet(cells, count + 1);
}

}  // namespace segx
