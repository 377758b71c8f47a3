#pragma once

#include <cstdint>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <span>
#include <string>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/image/write_image.hpp>
#include <segx/io/atomic_file.hpp>

namespace segx {

SEGX_IMPL_COLD void write_png(const std::filesystem::path& file, const cv::Mat& image) {
  if (image.empty() || (image.depth() != CV_8U && image.depth() != CV_16U) ||
      (image.channels() != 1 && image.channels() != 3)) {
    fail({file.string(), ": cannot be written, expected an image of 8 or 16 bits, gray or BGR, that is not empty"});
  }
  std::vector<std::uint8_t> bytes;
  cv::imencode(".png", image, bytes);
  write_file_atomically(file, std::as_bytes(std::span{bytes}), false);
}

SEGX_IMPL_COLD void write_mask(const std::filesystem::path& file, const cv::Mat& mask) {
  double largest = 0;
  if (mask.type() == CV_8UC1 && !mask.empty()) { cv::minMaxLoc(mask, nullptr, &largest); }
  if (mask.type() != CV_8UC1 || largest > 1) {
    fail({file.string(),
          ": cannot be written, a mask must be CV_8UC1 with the values 0 and 1; write_png writes maps of classes"});
  }
  write_png(file, mask * 255);
}

SEGX_IMPL_COLD void write_probability(const std::filesystem::path& file, const cv::Mat& probability) {
  if (probability.type() != CV_32FC1) { fail({file.string(), ": cannot be written, probabilities must be CV_32FC1"}); }
  if (!cv::checkRange(probability)) { fail({file.string(), ": cannot be written, a probability is not a number"}); }
  cv::Mat stored;
  probability.convertTo(stored, CV_16U, 65535);
  write_png(file, stored);
}

namespace detail {

SEGX_IMPL_COLD cv::Mat inner_contour(const cv::Mat& mask, int thickness) {
  cv::Mat inside;
  cv::erode(mask, inside, cv::getStructuringElement(cv::MORPH_CROSS, {3, 3}), {-1, -1}, thickness);
  return mask - inside;
}

}  // namespace detail

SEGX_IMPL_COLD cv::Mat overlay_classes(const cv::Mat& image, const std::vector<cv::Mat>& masks) {
  constexpr double opacity = 0.3;
  const auto fits = [&](const cv::Mat& m) { return m.type() == CV_8UC1 && m.size() == image.size(); };
  if ((image.type() != CV_32FC1 && image.type() != CV_32FC3) || image.empty() ||
      !std::all_of(masks.begin(), masks.end(), fits)) {
    fail("overlay: expected an image CV_32FC1 or CV_32FC3 and masks CV_8UC1 of the same size");
  }
  cv::Mat picture;
  image.convertTo(picture, CV_8U, 255);
  cv::cvtColor(picture, picture, image.channels() == 1 ? cv::COLOR_GRAY2BGR : cv::COLOR_RGB2BGR);

  const auto colour = [](std::size_t k) { return overlay_class_colours[k % overlay_class_colours.size()]; };
  for (std::size_t k = 0; k < masks.size(); ++k) {
    cv::Mat tinted;
    cv::addWeighted(picture, 1 - opacity, cv::Mat(picture.size(), CV_8UC3, cv::Scalar(colour(k))), opacity, 0, tinted);
    tinted.copyTo(picture, masks[k]);
  }
  for (std::size_t k = 0; k < masks.size(); ++k) {
    picture.setTo(colour(k), detail::inner_contour(masks[k], detail::contour_thickness(image)));
  }
  return picture;
}

SEGX_IMPL_COLD cv::Mat overlay(const cv::Mat& image, const cv::Mat& mask, const cv::Mat& truth) {
  cv::Mat picture = overlay_classes(image, {mask});
  if (truth.empty()) { return picture; }
  if (truth.type() != CV_8UC1 || truth.size() != image.size()) {
    fail("overlay: expected a true mask CV_8UC1 of the image's size");
  }
  picture.setTo(overlay_truth_colour, detail::inner_contour(truth, detail::contour_thickness(image)));
  return picture;
}

SEGX_IMPL_COLD cv::Mat contact_sheet(const std::vector<cv::Mat>& pictures, int columns) {
  constexpr int margin = 4;
  if (pictures.empty() || columns < 1) { fail("contact_sheet: expected at least one picture and one column"); }
  cv::Size cell(0, 0);
  for (const cv::Mat& picture : pictures) {
    if (picture.empty() || (picture.type() != CV_8UC1 && picture.type() != CV_8UC3)) {
      fail("contact_sheet: expected pictures of type CV_8UC1 or CV_8UC3 that are not empty");
    }
    cell = {std::max(cell.width, picture.cols), std::max(cell.height, picture.rows)};
  }
  const int count = static_cast<int>(pictures.size());
  columns = std::min(columns, count);
  const int rows = (count + columns - 1) / columns;
  cv::Mat sheet(rows * (cell.height + margin) - margin, columns * (cell.width + margin) - margin, CV_8UC3,
                cv::Scalar::all(0));
  for (int k = 0; k < count; ++k) {
    cv::Mat colour = pictures[k];
    if (colour.channels() == 1) { cv::cvtColor(pictures[k], colour, cv::COLOR_GRAY2BGR); }
    const int left = k % columns * (cell.width + margin) + (cell.width - colour.cols) / 2;
    const int top = k / columns * (cell.height + margin) + (cell.height - colour.rows) / 2;
    colour.copyTo(sheet({left, top, colour.cols, colour.rows}));
  }
  return sheet;
}

}  // namespace segx
