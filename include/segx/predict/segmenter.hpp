#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include <segx/core/error.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/normalisation.hpp>
#include <segx/image/plane.hpp>
#include <segx/image/resize_image.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/predict/averaged_network.hpp>
#include <segx/predict/fit.hpp>
#include <segx/predict/labels.hpp>
#include <segx/predict/tile_axis.hpp>
#include <segx/predict/tile_rows.hpp>

namespace segx {

struct segmenter_options {
  std::optional<fit> fitting{};              // none: as the training's images were, by the weight file: see fit_of
  double overlap = 0.5;                      // of neighbouring tiles, as a share of their length, in [0, 0.9]
  averaging passes = {};                     // over flips and dropout
  int threads = 0;                           // 0: as many as the machine has
  precision numbers = precision::automatic;  // of a GPU
};

/// How images were brought to the size of the network that a weight file holds: tiles where it was trained on windows.
inline fit fit_of(const model_card& card) { return card.resizing.starts_with("none") ? fit::tile : fit::stretch; }

/// What a network says of an image, in the image's own size.
struct prediction {
  std::vector<cv::Mat> probabilities;  // of each class, CV_32FC1 in [0,1]
  cv::Mat uncertainty;                 // CV_32FC1 in [0, 1/2], as averaged_network says; empty after one plain pass
};

/// From an image of any size to masks of that size, by the weights of a file:
///
///   segx::segmenter<segx::unet16> lungs{"weights/lung-unet16-256.safetensors"};
///   cv::Mat mask = lungs.mask(segx::read_gray("chest.png"));
///
/// Images are CV_32FC1 (gray) or, for networks of three channels, CV_32FC3 (RGB), in [0,1].
template <class Network, class Backend = cpu>
class segmenter {
 public:
  /// Reads and checks the file; throws `error`.
  explicit segmenter(const std::filesystem::path& file, const segmenter_options& options = {},
                     const Network& network = {})
      : segmenter{load_weights(file, network), options} {}

  explicit segmenter(const loaded_weights<Network>& loaded, const segmenter_options& options = {})
      : card_{loaded.card},
        labels_{label_kind_of(loaded.values.network())},
        classes_{loaded.values.network().classes},
        threshold_{threshold_of(card_)},
        normalise_{parse_normalisation(card_.normalisation)},
        options_{options},
        fitting_{options.fitting.value_or(fit_of(card_))},
        network_{loaded.values, card_.height, card_.width, options.passes, options.threads, options.numbers},
        framed_(card_.height, card_.width, CV_32FC(channels_of(loaded.values.network()))),
        input_{
            xt::xtensor<float, 4>::from_shape(detail::extents_of(1, {framed_.channels(), card_.height, card_.width}))} {
    if (!(options.overlap >= 0 && options.overlap <= 0.9)) {
      fail({"segmenter: tiles overlap by 0 to 0.9 of their length, not by ", options.overlap});
    }
  }

  const model_card& card() const { return card_; }
  float threshold() const { return threshold_; }
  int channels() const { return framed_.channels(); }
  int classes() const { return classes_; }

  /// What label maps mean.
  label_kind label_map() const { return labels_; }

  /// Bytes that this object takes at most to find the label map of an image of this size, without the image and the
  /// map. In tiles, the image's height does not matter.
  std::size_t bytes(cv::Size image) const {
    const auto floats = [](cv::Size size, int planes) {
      return sizeof(float) * static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height * planes);
    };
    const std::size_t kept = network_.bytes() + floats(framed_.size(), 2 * channels() + network_.planes());
    if (fitting_ != fit::tile) {  // what resizing makes of the image, then what it makes of the result
      return kept + floats(image, std::max(channels(), network_.planes())) + floats(framed_.size(), 2 * channels());
    }
    return kept + tile_rows::bytes(down(image), across(image), network_.planes()) + floats({image.width, 1}, 1);
  }

  prediction predict(const cv::Mat& image) {
    prediction result;
    for (int k = 0; k < classes_; ++k) { result.probabilities.emplace_back(image.size(), CV_32FC1); }
    if (network_.planes() > classes_) { result.uncertainty.create(image.size(), CV_32FC1); }
    for_each_band(image, [&](cv::Range rows, const std::vector<cv::Mat>& planes) {
      for (int k = 0; k < classes_; ++k) { planes[k].copyTo(result.probabilities[k].rowRange(rows)); }
      if (!result.uncertainty.empty()) { planes.back().copyTo(result.uncertainty.rowRange(rows)); }
    });
    return result;
  }

  /// Of each class, CV_32FC1 in [0,1].
  std::vector<cv::Mat> probabilities(const cv::Mat& image) { return predict(image).probabilities; }
  cv::Mat probability(const cv::Mat& image) {
    expect_one_class();
    return predict(image).probabilities[0];
  }

  /// CV_8UC1, a label map as `label_map` says. In tiles, nothing else is held of the whole image.
  cv::Mat labels(const cv::Mat& image) {
    cv::Mat result = new_labels(image.size());
    for_each_band(image, [&](cv::Range rows, std::vector<cv::Mat> planes) {
      planes.resize(classes_);
      write_labels(planes, labels_, threshold_, result.rowRange(rows));
    });
    return result;
  }
  cv::Mat labels_of(const std::vector<cv::Mat>& probabilities) const {
    cv::Mat result = new_labels(probabilities.at(0).size());
    write_labels(probabilities, labels_, threshold_, result);
    return result;
  }

  /// CV_8UC1 in {0,1}: where the only class, or class k, is.
  cv::Mat mask(const cv::Mat& image) {
    expect_one_class();
    return labels(image);
  }
  cv::Mat mask(const cv::Mat& image, int k) {
    if (k < 0 || k >= classes_) { fail({"segmenter: there is no class ", k, ", the network has ", classes_}); }
    return mask_of_class(labels(image), labels_, k);
  }

 private:
  static int channels_of(const Network& network) {
    if (network.channels == 1 || network.channels == 3) { return network.channels; }
    fail({"segmenter: images have 1 or 3 channels, but the network takes ", network.channels});
  }

  void expect_one_class() const {
    if (classes_ == 1) { return; }
    fail({"segmenter: the network has ", classes_,
          " classes; ask for labels or probabilities, or for the mask of one of them"});
  }

  cv::Mat new_labels(cv::Size size) const {
    const int most = labels_ == label_kind::overlapping ? most_overlapping_classes : most_exclusive_classes;
    if (classes_ > most) {
      fail({"segmenter: a label map holds ", most, " classes at most, but the network has ", classes_,
            "; use its probabilities"});
    }
    return {size, CV_8UC1};
  }

  tile_axis down(cv::Size image) const { return {image.height, card_.height, options_.overlap}; }
  tile_axis across(cv::Size image) const { return {image.width, card_.width, options_.overlap}; }

  /// Calls take(rows, planes) with bands of the result's planes, from top to bottom.
  template <class Take>
  void for_each_band(const cv::Mat& image, Take&& take) {
    if (image.empty()) { fail("segmenter: the image is empty; was its file read?"); }
    if (image.type() != framed_.type()) {
      fail({"segmenter: the network takes images of type ", cv::typeToString(framed_.type()), ", not ",
            cv::typeToString(image.type()),
            image.depth() == CV_8U || image.depth() == CV_16U ? "; to_unit(image) brings its values to [0,1]" : ""});
    }
    network_.restart();
    if (fitting_ != fit::tile) { return take(cv::Range{0, image.rows}, resized(image)); }
    const tile_axis vertical = down(image.size());
    const tile_axis horizontal = across(image.size());
    tile_rows rows{vertical, horizontal, network_.planes()};
    for (int r = 0; r < vertical.count(); ++r) {
      for (int c = 0; c < horizontal.count(); ++c) {
        const cv::Rect tile{horizontal.first(c), vertical.first(r), card_.width, card_.height};
        const cv::Rect seen = tile & cv::Rect{{}, image.size()};
        run(image(seen), seen - tile.tl());
        rows.add(r, c, output_.data());
      }
      rows.finish(r, take);
    }
  }

  /// The planes of an image that is resized to the network's size, and of the result, which is resized back.
  std::vector<cv::Mat> resized(const cv::Mat& image) {
    const cv::Rect place = place_of(image.size(), framed_.size(), fitting_);
    run(resize_image(image, place.height, place.width), place);
    std::vector<cv::Mat> planes;
    for (int p = 0; p < network_.planes(); ++p) {
      const cv::Mat found = detail::plane_header(output_, 0, static_cast<std::size_t>(p));
      planes.push_back(resize_image(found(place), image.rows, image.cols));
    }
    return planes;
  }

  /// Runs the network on an image that has this place in its input, which is black elsewhere.
  void run(const cv::Mat& image, cv::Rect place) {
    framed_.setTo(0);
    image.copyTo(framed_(place));
    copy_to_image(framed_, normalise_, input_, 0);
    network_.predict(input_, output_);
  }

  model_card card_;
  label_kind labels_;
  int classes_;
  float threshold_;
  normalisation normalise_;
  segmenter_options options_;
  fit fitting_;
  averaged_network<Network, Backend> network_;
  cv::Mat framed_;                // an input as an image
  xt::xtensor<float, 4> input_;   // [1,C,H,W]
  xt::xtensor<float, 4> output_;  // [1,P,H,W]
};

}  // namespace segx
