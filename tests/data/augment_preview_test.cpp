#include <segx/data/augment/preview.hpp>

#include <catch2/catch.hpp>

#include <segx/data/augment/geometric.hpp>
#include <segx/image/plane.hpp>
#include <segx/image/resize_image.hpp>

#include "data/example_folder.hpp"

using namespace segx;

namespace {

const image_and_mask square = [] {
  cv::Mat mask(40, 40, CV_8UC1, cv::Scalar(0));
  mask(cv::Rect(5, 10, 12, 12)) = 3;  // two overlapping classes, or the last of four
  return image_and_mask{cv::Mat(40, 40, CV_32FC1, cv::Scalar(0.5)), mask};
}();

}  // namespace

TEST_CASE("outlines follow each class in its colour, on gray and on colour") {
  const cv::Mat picture = outlined(square, label_kind::exclusive, 4);
  CHECK(picture.at<cv::Vec3b>(10, 8) == overlay_class_colours[3]);
  CHECK(picture.at<cv::Vec3b>(15, 12) == cv::Vec3b(128, 128, 128));
  CHECK(picture.at<cv::Vec3b>(0, 0) == cv::Vec3b(128, 128, 128));  // the background has no outline
  CHECK(outlined(square, label_kind::overlapping, 2).at<cv::Vec3b>(10, 8) == overlay_class_colours[1]);

  const image_and_mask red{cv::Mat(40, 40, CV_32FC3, cv::Scalar(1, 0, 0)), square.mask};
  CHECK(outlined(red, label_kind::exclusive, 4).at<cv::Vec3b>(0, 0) == cv::Vec3b(0, 0, 255));
}

TEST_CASE("a sheet has a row for each sample: as validation sees it, then as the first epochs of a training do") {
  const example_folder folder(5);
  const dataset data = scan_folder(folder.path());
  loader_options plain{.height = 40, .width = 40, .normalise = normalisation::imagenet(), .batch = 3};
  loader_options random = plain;
  random.augment = horizontal_flip{1};
  const cv::Mat sheet = augmentation_sheet(data, {3, 1}, plain, random, 2);
  REQUIRE(sheet.size() == cv::Size(3 * 44 - 4, 2 * 44 - 4));
  const cv::Mat one = outlined({resize_image(to_unit(read_pixels(folder.image_file(1), 1)), 40, 40),
                                resize_mask(read_labels(data, data.samples[1], {}), 40, 40)},
                               label_kind::binary, 1);
  cv::Mat mirrored;
  cv::flip(one, mirrored, 1);
  CHECK(cv::norm(sheet(cv::Rect(0, 44, 40, 40)), one, cv::NORM_INF) == 0);
  CHECK(cv::norm(sheet(cv::Rect(88, 44, 40, 40)), mirrored, cv::NORM_INF) == 0);

  // The very pictures of a training: of its second epoch, in a batch among others.
  random.augment = shift{0.3};
  const cv::Mat shifted = augmentation_sheet(data, {3, 1}, plain, random, 2);
  random.normalise = normalisation::unit();
  loader training(data, {0, 1, 2, 3}, random);
  training.start_epoch(1);
  int found = 0;
  for (batch b; training.next(b);) {
    for (std::size_t n = 0; n < b.indices.size(); ++n) {
      if (b.indices[n] != 3) { continue; }
      ++found;
      const image_and_mask fed{copy_of_plane(b.images, n, 0), copy_of_plane(b.masks, n, 0) > 0};
      const cv::Mat seen = outlined(fed, data.labels, 1);
      CHECK(cv::norm(shifted(cv::Rect(88, 0, 40, 40)), seen, cv::NORM_INF) == 0);
    }
  }
  CHECK(found == 1);
  random.seed = 1;
  CHECK(cv::norm(augmentation_sheet(data, {3, 1}, plain, random, 2), shifted, cv::NORM_INF) != 0);
}

TEST_CASE("a sheet shows what crops and pads make, each version as large as it is") {
  const example_folder folder(2);
  const dataset data = scan_folder(folder.path());
  const loader_options plain{.height = 40, .width = 40};
  loader_options random = plain;
  random.augment = random_crop{16, 24};
  CHECK(augmentation_sheet(data, {0, 1}, plain, random, 1).size() == cv::Size(2 * 44 - 4, 2 * 44 - 4));
  random.augment = pad_if_smaller{64, 48};
  CHECK(augmentation_sheet(data, {0, 1}, plain, random, 1).size() == cv::Size(2 * 52 - 4, 2 * 68 - 4));
}
