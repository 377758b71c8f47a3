#pragma once

#include <limits>
#include <optional>
#include <vector>

#include <segx/data/dataset.hpp>
#include <segx/image/read_image.hpp>
#include <segx/metrics/classes.hpp>
#include <segx/predict/segmenter.hpp>
#include <segx/train/evaluate.hpp>

namespace segx::tool {

/// Label maps as `segx predict` writes them, compared with the masks as they are, at the image's size. They say nothing
/// of a loss. `see(image, truth, found)` is called with each.
template <class Segmenter, class See>
evaluation evaluate_whole_images(Segmenter& network, const dataset& data, const std::vector<int>& indices,
                                 std::optional<int> mask_threshold, See&& see) {
  evaluation result;
  for (const int index : indices) {
    const sample& s = data.samples[index];
    const cv::Mat image = to_unit(read_pixels(s.image, network.channels()));
    const cv::Mat found = network.labels(image);
    const cv::Mat truth = read_labels(data, s, mask_threshold);
    const auto view = [](const cv::Mat& m) { return mask_view{m.ptr<std::uint8_t>(), m.rows, m.cols}; };
    auto counts = data.labels == label_kind::exclusive ? count_classes(view(found), view(truth), network.classes())
                                                       : count_overlapping(view(found), view(truth), network.classes());
    counts.erase(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(first_scored_class(data.labels)));
    result.add(index, std::move(counts));
    see(image, truth, found);
  }
  result.loss = std::numeric_limits<double>::quiet_NaN();  // null in JSON
  result.summarize_images();
  return result;
}

}  // namespace segx::tool
