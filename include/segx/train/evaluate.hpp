#pragma once

#include <vector>

#include <segx/data/loader.hpp>
#include <segx/metrics/per_image.hpp>
#include <segx/metrics/summary.hpp>
#include <segx/runtime/session.hpp>

namespace segx {

/// What a network does on a set of images with known masks.
struct evaluation {
  double loss = 0;  // mean over images
  segmentation_summary summary;
  std::vector<confusion> per_image;  // in the order of `indices`
  std::vector<int> indices;          // of the samples in the dataset
};

/// Segments every sample of an unshuffled loader, at the size of the session; the loader's batches must fit the
/// session's. `after(images done)` is called behind each batch.
template <class Model, backend Backend, class Loss, class After>
evaluation evaluate(session<Model, Backend>& network, loader& samples, const Loss& loss, float threshold,
                    After&& after) {
  evaluation result;
  batch b;
  xt::xtensor<float, 4> logits;
  samples.start_epoch(0);
  while (samples.next(b)) {
    network.logits(b.images, logits);
    const auto images = static_cast<double>(b.indices.size());
    result.loss += loss(logits, b.masks) * images;
    const std::vector<confusion> counts = count_per_image_from_logits(logits, b.masks, threshold);
    result.per_image.insert(result.per_image.end(), counts.begin(), counts.end());
    result.indices.insert(result.indices.end(), b.indices.begin(), b.indices.end());
    after(static_cast<long>(result.indices.size()));
  }
  result.loss /= static_cast<double>(result.indices.size());
  result.summary = summarize(result.per_image);
  return result;
}

}  // namespace segx
