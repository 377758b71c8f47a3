#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include <segx/data/augment/augmentation.hpp>
#include <segx/data/loader.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/write_image.hpp>

namespace segx {

/// A picture of an image with the outline of each class, BGR; the background of exclusive classes has none.
inline cv::Mat outlined(const image_and_mask& x, label_kind labels, int classes) {
  cv::Mat picture;
  x.image.convertTo(picture, CV_8U, 255);
  cv::cvtColor(picture, picture, picture.channels() == 1 ? cv::COLOR_GRAY2BGR : cv::COLOR_RGB2BGR);
  for (int k = labels == label_kind::exclusive ? 1 : 0; k < classes; ++k) {
    picture.setTo(overlay_class_colours[static_cast<std::size_t>(k) % overlay_class_colours.size()],
                  detail::inner_contour(mask_of_class(x.mask, labels, k), detail::contour_thickness(picture)));
  }
  return picture;
}

/// What a training sees: a row for each of the samples, first as one loader gives it in the first epoch, then as
/// another does in the first `count` epochs; before normalisation, with outlines. Augmentations may crop and pad.
inline cv::Mat augmentation_sheet(const dataset& data, const std::vector<int>& samples, loader_options plain,
                                  loader_options random, int count) {
  const loader as_validated(data, samples, std::move(plain)), as_trained(data, samples, std::move(random));
  std::vector<cv::Mat> cells;
  const auto add = [&](const image_and_mask& x) {
    cells.push_back(outlined(x, data.labels, static_cast<int>(data.classes.size())));
  };
  for (const int index : samples) {
    add(as_validated.seen(index, 0));
    for (int epoch = 0; epoch < count; ++epoch) { add(as_trained.seen(index, epoch)); }
  }
  return contact_sheet(cells, count + 1);
}

}  // namespace segx
