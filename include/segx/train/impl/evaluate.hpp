#pragma once

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/train/evaluate.hpp>

namespace segx {

SEGX_IMPL class_masks::class_masks(const xt::xtensor<float, 4>& logits, const xt::xtensor<float, 4>& masks,
                                   label_kind labels, float threshold)
    : exclusive_{labels == label_kind::exclusive},
      first_{static_cast<int>(first_scored_class(labels))},
      predicted_{exclusive_ ? argmax(logits) : threshold_logits(logits, threshold)},
      truth_{threshold_probabilities(masks)} {}

SEGX_IMPL mask_view class_masks::predicted(int n, int k) const {
  const masks_view all{predicted_};
  return exclusive_ ? all.plane(n, 0).of_class(first_ + k) : all.plane(n, first_ + k);
}

SEGX_IMPL std::vector<std::vector<confusion>> count_classes(const class_masks& masks) {
  std::vector<std::vector<confusion>> counts(static_cast<std::size_t>(masks.images()));
  for (int n = 0; n < masks.images(); ++n) {
    for (int k = 0; k < masks.classes(); ++k) {
      counts[n].push_back(count_from_masks(masks.predicted(n, k), masks.truth(n, k)));
    }
  }
  return counts;
}

SEGX_IMPL std::vector<std::vector<confusion>> count_classes(const xt::xtensor<float, 4>& logits,
                                                            const xt::xtensor<float, 4>& masks, label_kind labels,
                                                            float threshold) {
  return count_classes(class_masks{logits, masks, labels, threshold});
}

SEGX_IMPL confusion count_pixels(const xt::xtensor<float, 4>& logits, const xt::xtensor<float, 4>& masks,
                                 label_kind labels) {
  confusion all;
  for (const auto& image : count_classes(logits, masks, labels)) {
    for (const confusion& c : image) { all += c; }
  }
  return all;
}

namespace detail {

SEGX_IMPL_COLD segmentation_summary mean_of(const std::vector<segmentation_summary>& classes) {
  const auto mean = [&](double segmentation_summary::*score) {
    double sum = 0;
    for (const segmentation_summary& c : classes) { sum += c.*score; }
    return sum / static_cast<double>(classes.size());
  };
  using s = segmentation_summary;
  return {.images = classes.front().images,
          .iou_micro = mean(&s::iou_micro),
          .iou_mean = mean(&s::iou_mean),
          .dice_mean = mean(&s::dice_mean),
          .f1_micro = mean(&s::f1_micro),
          .precision_micro = mean(&s::precision_micro),
          .recall_micro = mean(&s::recall_micro),
          .specificity_micro = mean(&s::specificity_micro),
          .accuracy = mean(&s::accuracy)};
}

}  // namespace detail

SEGX_IMPL_COLD void evaluation::add(int index, std::vector<confusion> counts) {
  confusion together;
  for (const confusion& c : counts) { together += c; }
  per_image.push_back(together);
  per_class.push_back(std::move(counts));
  indices.push_back(index);
}

SEGX_IMPL_COLD void evaluation::summarize_images() {
  classes = summarize_classes(per_class);
  if (classes.empty()) { fail("no image was evaluated; give at least one image with its mask"); }
  summary = detail::mean_of(classes);
}

}  // namespace segx
