#include <segx/train/curves.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace {

std::vector<segx::epoch_record> records(const std::vector<double>& ious) {
  std::vector<segx::epoch_record> all;
  for (const double iou : ious) {
    segx::epoch_record& record = all.emplace_back();
    record.epoch = static_cast<int>(all.size());
    record.train_loss = 1 - 0.1 * record.epoch;
    record.val_iou_mean = iou;
  }
  return all;
}

}  // namespace

TEST_CASE("the best epoch is the first with the highest mean IoU of validation") {
  CHECK(segx::best_epoch({}) == nullptr);
  CHECK(segx::best_epoch(records({NAN, NAN})) == nullptr);
  const auto some = records({NAN, 0.7, 0.9, 0.9, 0.8});
  CHECK(segx::best_epoch(some)->epoch == 3);
  const auto none_right = records({0.0, 0.0});
  CHECK(segx::best_epoch(none_right)->epoch == 1);
}

TEST_CASE("the figure of a training has its size at every length, and shows new epochs") {
  cv::Mat before;
  for (const std::size_t epochs : {0, 1, 2, 30}) {
    const cv::Mat figure = segx::curves_figure(records(std::vector<double>(epochs, 0.9)));
    REQUIRE(figure.type() == CV_8UC3);
    REQUIRE(figure.size() == cv::Size(1400, 560));
    if (!before.empty()) { CHECK(cv::norm(before, figure, cv::NORM_L1) > 0); }
    before = figure;
  }
}
