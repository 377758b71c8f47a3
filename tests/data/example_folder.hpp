#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "temporary_folder.hpp"

/// A data folder of small pairs of several kinds: stems s00, s01, …; images of 8 and 16 bits and sizes of their own,
/// that tell themselves apart and left from right; masks of 0 and 255, or 0 and 1.
class example_folder : public temporary_folder {
 public:
  explicit example_folder(int pairs) {
    std::filesystem::create_directories(path() / "images");
    std::filesystem::create_directories(path() / "masks");
    for (int k = 0; k < pairs; ++k) {
      const int height = 20 + k % 5;
      const int width = 30 + k % 7;
      const bool deep = k % 3 == 0;
      cv::Mat image(height, width, deep ? CV_16UC1 : CV_8UC1);
      cv::Mat mask(height, width, CV_8UC1);
      cv::RNG random(static_cast<std::uint64_t>(k) + 1);
      random.fill(image, cv::RNG::UNIFORM, 0, deep ? 65536 : 256);
      random.fill(mask, cv::RNG::UNIFORM, 0, 2);
      cv::imwrite(image_file(k).string(), image);
      cv::imwrite(mask_file(k).string(), mask * (k % 2 == 0 ? 255 : 1));
    }
  }

  [[nodiscard]] static std::string stem(int k) { return (k < 10 ? "s0" : "s") + std::to_string(k); }
  [[nodiscard]] std::filesystem::path image_file(int k) const { return path() / "images" / (stem(k) + ".png"); }
  [[nodiscard]] std::filesystem::path mask_file(int k) const { return path() / "masks" / (stem(k) + ".png"); }
};
