#pragma once

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <segx/core/error.hpp>
#include <segx/image/plane.hpp>
#include <segx/image/resize_image.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/runtime/session.hpp>

namespace segx {

/// From an X-ray of any size to a mask of that size, by the weights of a file:
///
///   segx::segmenter<segx::unet16> lungs{"weights/lung-unet16-256.safetensors"};
///   cv::Mat mask = lungs.mask(segx::read_gray("chest.png"));
template <class Network>
class segmenter {
 public:
  /// Reads and checks the file; throws `error`. `threads` 0: as many as the machine has.
  explicit segmenter(const std::filesystem::path& file, int threads = 0, const Network& network = {})
      : segmenter{load_weights(file, network), threads} {}

  explicit segmenter(const loaded_weights<Network>& loaded, int threads = 0)
      : card_{loaded.card},
        threshold_{number(card_.threshold)},
        session_{loaded.values, card_.height, card_.width, {1, threads}},
        input_{xt::xtensor<float, 4>::from_shape(
            {1, 1, static_cast<std::size_t>(card_.height), static_cast<std::size_t>(card_.width)})} {
    const Network& network = loaded.values.network();
    if (network.channels != 1 || network.classes != 1) {
      fail("segmenter: a network of " + std::to_string(network.channels) + " channels and " +
           std::to_string(network.classes) + " classes; it takes one from one gray channel to one class");
    }
  }

  const model_card& card() const { return card_; }
  float threshold() const { return threshold_; }

  /// gray: CV_32FC1 in [0,1], any size. Returns CV_32FC1 in [0,1], of the same size.
  cv::Mat probability(const cv::Mat& gray) {
    copy_to_plane(resize_image(gray, card_.height, card_.width), input_, 0);
    session_.predict(input_, output_);
    return resize_image(copy_of_plane(output_, 0), gray.rows, gray.cols);
  }

  /// CV_8UC1 in {0,1}: where the probability exceeds the threshold of the card.
  cv::Mat mask(const cv::Mat& gray) { return mask_of(probability(gray)); }
  cv::Mat mask_of(const cv::Mat& probability) const { return (probability > threshold_) / 255; }

 private:
  static float number(const std::string& text) {
    float value = 0.5F;
    const char* end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc{} || stop != end || !(value > 0 && value < 1)) {
      fail("the weight file's threshold is \"" + text + "\", expected a number between 0 and 1");
    }
    return value;
  }

  model_card card_;
  float threshold_;
  session<Network> session_;
  xt::xtensor<float, 4> input_;
  xt::xtensor<float, 4> output_;
};

}  // namespace segx
