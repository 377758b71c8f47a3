#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/data/loader.hpp>
#include <segx/image/label_map.hpp>
#include <segx/metrics/argmax.hpp>
#include <segx/metrics/confusion.hpp>
#include <segx/metrics/mask_view.hpp>
#include <segx/metrics/summary.hpp>
#include <segx/metrics/threshold.hpp>
#include <segx/train/classes.hpp>

namespace segx {

/// The masks of the classes that are scored, of logits and of truth, both [N,K,H,W]. A class is predicted where its
/// probability exceeds the threshold; of exclusive classes, where its logit is the pixel's largest, the first of equal
/// ones.
class class_masks {
 public:
  class_masks(const xt::xtensor<float, 4>& logits, const xt::xtensor<float, 4>& masks, label_kind labels,
              float threshold = 0.5F);

  int images() const { return static_cast<int>(truth_.shape()[0]); }
  int classes() const { return static_cast<int>(truth_.shape()[1]) - first_; }

  /// Of image n and the k-th class that is scored. They look into this object.
  mask_view predicted(int n, int k) const;
  mask_view truth(int n, int k) const { return masks_view{truth_}.plane(n, first_ + k); }

 private:
  bool exclusive_;
  int first_;
  xt::xtensor<std::uint8_t, 4> predicted_, truth_;
};

/// The counts of each class that is scored in each image: counts[n][k].
std::vector<std::vector<confusion>> count_classes(const class_masks& masks);
std::vector<std::vector<confusion>> count_classes(const xt::xtensor<float, 4>& logits,
                                                  const xt::xtensor<float, 4>& masks, label_kind labels,
                                                  float threshold = 0.5F);

/// … of all images and classes together.
confusion count_pixels(const xt::xtensor<float, 4>& logits, const xt::xtensor<float, 4>& masks, label_kind labels);

namespace detail {

/// Each score's mean over the classes.
segmentation_summary mean_of(const std::vector<segmentation_summary>& classes);

}  // namespace detail

/// What a network does on a set of images with known masks.
struct evaluation {
  double loss = 0;                                // mean over images
  segmentation_summary summary;                   // of all classes, each weighing the same
  std::vector<segmentation_summary> classes;      // of each class that is scored
  std::vector<std::vector<confusion>> per_class;  // [image][class], in the order of `indices`
  std::vector<confusion> per_image;               // of the classes together
  std::vector<int> indices;                       // of the samples in the dataset

  /// Adds an image by the counts of the classes that are scored.
  void add(int index, std::vector<confusion> counts);

  /// To be called when all images are added. Throws `error` where there is none.
  void summarize_images();
};

namespace detail {

/// [1,K,H,W]: one image of a batch.
inline xt::xtensor<float, 4> image_of(const xt::xtensor<float, 4>& batch, std::size_t n) {
  auto extents = batch.shape();
  const std::size_t size = batch.size() / extents[0];
  extents[0] = 1;
  xt::xtensor<float, 4> image(extents);
  std::copy_n(batch.data() + n * size, size, image.data());
  return image;
}

}  // namespace detail

/// Segments every sample of an unshuffled loader, whose batches the network must take: a session, or whatever has
/// `logits(images, result)`. Behind each batch `after(images done, masks, indices)` is called, with the batch's
/// class_masks and the indices of its samples.
template <class Network, class Loss, class After>
evaluation evaluate(Network& network, loader& samples, const Loss& loss, float threshold, After&& after,
                    label_kind labels = label_kind::binary) {
  evaluation result;
  batch b;
  xt::xtensor<float, 4> logits;
  samples.start_epoch(0);
  while (samples.next(b)) {
    network.logits(b.images, logits);
    for (std::size_t n = 0; n < b.indices.size(); ++n) {
      result.loss += b.indices.size() == 1 ? loss(logits, b.masks)
                                           : loss(detail::image_of(logits, n), detail::image_of(b.masks, n));
    }
    const class_masks masks{logits, b.masks, labels, threshold};
    auto counts = count_classes(masks);
    for (std::size_t n = 0; n < counts.size(); ++n) { result.add(b.indices[n], std::move(counts[n])); }
    after(static_cast<long>(result.indices.size()), masks, b.indices);
  }
  result.loss /= static_cast<double>(result.indices.size());
  result.summarize_images();
  return result;
}

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/evaluate.hpp>
#endif
