#pragma once

#include <opencv2/core.hpp>
#include <vector>

#include <segx/image/plot.hpp>
#include <segx/train/log.hpp>

namespace segx {

/// The epoch with the highest val_iou_mean, the first of equals; nullptr where no epoch was validated.
const epoch_record* best_epoch(const std::vector<epoch_record>& records);

/// The picture of a training, 1400 x 560 pixels, BGR: losses on the left, IoU and Dice on the right, the best epoch
/// marked.
cv::Mat curves_figure(const std::vector<epoch_record>& records);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/curves.hpp>
#endif
