#pragma once

#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/metrics/confusion.hpp>

namespace segx {

/// Scores of a set of images, each in [0,1]. "micro": from the counts of all pixels of all images together, so that
/// large organs weigh more; "mean": the mean of the images' own scores. An image with an empty mask counts 1 or 0, as
/// `confusion` says.
struct segmentation_summary {
  int images = 0;
  double iou_micro = 0;
  double iou_mean = 0;
  double dice_mean = 0;
  double f1_micro = 0;
  double precision_micro = 0;
  double recall_micro = 0;
  double specificity_micro = 0;
  double accuracy = 0;  ///< micro; the mean is the same where all images have equal size
};

/// Throws `error` where there is no image.
inline segmentation_summary summarize(std::span<const confusion> images) {
  if (images.empty()) { fail("metrics: no image was evaluated; give at least one image with its mask"); }
  confusion all;
  double sum_of_iou = 0;
  double sum_of_dice = 0;
  for (const confusion& image : images) {
    all += image;
    sum_of_iou += image.iou();
    sum_of_dice += image.dice();
  }
  const auto count = static_cast<double>(images.size());
  return {.images = static_cast<int>(images.size()),
          .iou_micro = all.iou(),
          .iou_mean = sum_of_iou / count,
          .dice_mean = sum_of_dice / count,
          .f1_micro = all.f1(),
          .precision_micro = all.precision(),
          .recall_micro = all.recall(),
          .specificity_micro = all.specificity(),
          .accuracy = all.accuracy()};
}

/// The summary of each class; images[i][k] are the counts of class k in image i. `macro_mean` goes over classes.
inline std::vector<segmentation_summary> summarize_classes(std::span<const std::vector<confusion>> images) {
  std::vector<segmentation_summary> classes;
  for (std::size_t k = 0; !images.empty() && k < images.front().size(); ++k) {
    std::vector<confusion> of_class;
    for (const std::vector<confusion>& image : images) {
      if (image.size() != images.front().size()) {
        fail({"metrics: an image has ", image.size(), " classes, but the first has ", images.front().size(),
              "; count the same classes in all"});
      }
      of_class.push_back(image[k]);
    }
    classes.push_back(summarize(of_class));
  }
  return classes;
}

}  // namespace segx
