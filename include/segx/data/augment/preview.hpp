#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include <segx/data/augment/augmentation.hpp>
#include <segx/data/loader.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/plane.hpp>
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

namespace detail {

/// What the loader made a batch of, apart from normalisation: image n and its label map.
inline image_and_mask sample_of(const batch& b, std::size_t n, label_kind labels) {
  std::vector<cv::Mat> channels;
  for (std::size_t c = 0; c < b.images.shape(1); ++c) { channels.push_back(copy_of_plane(b.images, n, c)); }
  image_and_mask x{{}, cv::Mat::zeros(channels[0].size(), CV_8UC1)};
  cv::merge(channels, x.image);
  for (std::size_t k = 0; k < b.masks.shape(1); ++k) {
    const int value = static_cast<int>(labels == label_kind::exclusive ? k : std::size_t{1} << k);
    cv::add(x.mask, value, x.mask, copy_of_plane(b.masks, n, k) > 0);
  }
  return x;
}

}  // namespace detail

/// What a training sees: a row for each of the samples, first as one loader gives it in the first epoch, then as
/// another does in the first `count` epochs; before normalisation, with outlines.
inline cv::Mat augmentation_sheet(const dataset& data, const std::vector<int>& samples, loader_options plain,
                                  loader_options random, int count) {
  std::vector<cv::Mat> cells(samples.size() * (static_cast<std::size_t>(count) + 1));
  const auto fill_columns = [&](loader_options options, std::size_t first, int columns) {
    options.normalise = normalisation::unit();
    options.batch = 1;
    options.shuffle = false;  // which changes nothing about a sample
    loader from(data, samples, options);
    batch b;
    for (int epoch = 0; epoch < columns; ++epoch) {
      from.start_epoch(epoch);
      for (std::size_t row = 0; from.next(b); ++row) {
        cells[row * (static_cast<std::size_t>(count) + 1) + first + static_cast<std::size_t>(epoch)] =
            outlined(detail::sample_of(b, 0, data.labels), data.labels, static_cast<int>(data.classes.size()));
      }
    }
  };
  fill_columns(std::move(plain), 0, 1);
  fill_columns(std::move(random), 1, count);
  return contact_sheet(cells, count + 1);
}

}  // namespace segx
