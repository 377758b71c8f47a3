#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include <segx/core/impl.hpp>
#include <segx/train/curves.hpp>

namespace segx {

SEGX_IMPL_COLD const epoch_record* best_epoch(const std::vector<epoch_record>& records) {
  const epoch_record* best = nullptr;
  for (const epoch_record& record : records) {
    if (record.val_iou_mean > (best ? best->val_iou_mean : -1.0)) { best = &record; }
  }
  return best;
}

SEGX_IMPL_COLD cv::Mat curves_figure(const std::vector<epoch_record>& records) {
  const auto curve = [&](std::string name, double epoch_record::*value) {
    series s{std::move(name), {}, {}};
    for (const epoch_record& record : records) {
      s.x.push_back(record.epoch);
      s.y.push_back(record.*value);
    }
    return s;
  };
  plot_panel losses{"Loss", "epoch", "loss", {}, {}, {}, {}};
  losses.y_min = 0;
  losses.curves = {curve("training", &epoch_record::train_loss), curve("validation", &epoch_record::val_loss)};
  plot_panel scores{"Overlap with the true masks", "epoch", "score", {}, {}, {}, {}};
  scores.curves = {curve("training IoU", &epoch_record::train_iou),
                   curve("validation IoU", &epoch_record::val_iou_mean),
                   curve("validation Dice", &epoch_record::val_dice_mean)};
  scores.y_max = 1;
  if (const epoch_record* best = best_epoch(records)) {
    char text[64];
    std::snprintf(text, sizeof text, "best: epoch %d, IoU %.4f", best->epoch, best->val_iou_mean);
    losses.marks = {{double(best->epoch), ""}};
    scores.marks = {{double(best->epoch), text}};
  }
  return plot_curves({losses, scores});
}

}  // namespace segx
