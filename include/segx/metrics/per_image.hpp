#pragma once

#include <string>
#include <vector>
#include <xtensor/xtensor.hpp>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/metrics/confusion.hpp>

namespace segx {

/// The counts of each image of a batch, [N,C,H,W] both, over all its channels; see `count_from_logits`.
inline std::vector<confusion> count_per_image_from_logits(const xt::xtensor<float, 4>& logits,
                                                          const xt::xtensor<float, 4>& target, float threshold = 0.5F) {
  if (logits.shape() != target.shape()) {
    const auto text = [](const auto& extents) {
      std::string all = "[";
      for (const std::size_t extent : extents) { all += joined({extent, ","}); }
      all.back() = ']';
      return all;
    };
    fail({"metrics: the logits are ", text(logits.shape()), ", but the target is ", text(target.shape()),
          "; give both the same [N,C,H,W]"});
  }
  std::vector<confusion> counts(logits.shape()[0]);
  const std::size_t size = counts.empty() ? 0 : logits.size() / counts.size();
  for (std::size_t n = 0; n < counts.size(); ++n) {
    counts[n] = count_from_logits({logits.data() + n * size, size}, {target.data() + n * size, size}, threshold);
  }
  return counts;
}

}  // namespace segx
