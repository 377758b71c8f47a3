#include <segx/predict/segmenter.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <opencv2/core.hpp>
#include <string>

#include <segx/core/combine.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/sigmoid.hpp>

#include "image/temporary_folder.hpp"

using Catch::Matchers::Contains;

namespace {

/// The smallest network there is: probability = sigmoid(w · gray + b), pixel by pixel.
struct one_pixel : segx::network<segx::input<1>, segx::chain<segx::named<"head", segx::conv1x1<1>>, segx::sigmoid>> {};

/// With w = 10 and b = −5, a probability exceeds 0.5 where gray exceeds 0.5.
segx::loaded_weights<one_pixel> half_way(const std::string& threshold = "0.5") {
  segx::loaded_weights<one_pixel> loaded;
  loaded.values.values()[0] = 10;
  loaded.values.values()[1] = -5;
  loaded.card.height = 16;
  loaded.card.width = 24;
  loaded.card.threshold = threshold;
  return loaded;
}

/// Dark on the left, bright on the right; two gray values.
cv::Mat two_halves(int height, int width, float left, float right) {
  cv::Mat gray(height, width, CV_32FC1, cv::Scalar(left));
  gray.colRange(width / 2, width) = cv::Scalar(right);
  return gray;
}

}  // namespace

TEST_CASE("mask and probability have the size of the image, whatever that of the network") {
  segx::segmenter<one_pixel> network{half_way(), 1};
  for (const auto& [height, width] : {std::pair{16, 24}, {7, 5}, {40, 31}, {33, 128}}) {
    const cv::Mat gray = two_halves(height, width, 0.1F, 0.9F);
    const cv::Mat probability = network.probability(gray);
    CHECK(probability.type() == CV_32FC1);
    CHECK(probability.size() == gray.size());
    CHECK(probability.at<float>(height / 2, 0) == Approx(1 / (1 + std::exp(4.0))).epsilon(1e-4));
    CHECK(probability.at<float>(height / 2, width - 1) == Approx(1 / (1 + std::exp(-4.0))).epsilon(1e-4));

    const cv::Mat mask = network.mask(gray);
    CHECK(mask.type() == CV_8UC1);
    CHECK(mask.size() == gray.size());
    CHECK(mask.at<unsigned char>(height / 2, 0) == 0);
    CHECK(mask.at<unsigned char>(height / 2, width - 1) == 1);
    CHECK(cv::countNonZero(mask) == cv::countNonZero(probability > 0.5F));
  }
}

TEST_CASE("the card's threshold decides what belongs to the mask") {
  const cv::Mat gray = two_halves(16, 24, 0.4F, 0.6F);  // probabilities 0.27 and 0.73
  const auto pixels = [&](const char* threshold) {
    segx::segmenter<one_pixel> network{half_way(threshold), 1};
    CHECK(network.threshold() == std::stof(threshold));
    return cv::countNonZero(network.mask(gray));
  };
  CHECK(pixels("0.2") == 16 * 24);
  CHECK(pixels("0.5") == 16 * 12);
  CHECK(pixels("0.8") == 0);
}

TEST_CASE("a threshold that is no probability is refused") {
  for (const std::string wrong : {"0", "1", "-0.5", "1.5", "nan", "inf", "half", "0.5 or so", "", "1e-999"}) {
    INFO("\"" << wrong << "\"");
    CHECK_THAT(message_of([&] { segx::segmenter<one_pixel>(half_way(wrong), 1); }),
               Contains("threshold is \"" + wrong + "\", expected a number between 0 and 1"));
  }
}

TEST_CASE("a segmenter reads a weight file, and names it when it cannot") {
  const temporary_folder folder;
  const auto [values, card] = half_way("0.25");
  segx::save_weights(folder / "w.safetensors", values, card);
  CHECK(segx::segmenter<one_pixel>{folder / "w.safetensors", 1}.threshold() == 0.25F);

  cut_file(folder / "w.safetensors", 0.9);
  CHECK_THAT(message_of([&] { segx::segmenter<one_pixel>(folder / "w.safetensors", 1); }),
             Contains((folder / "w.safetensors").string()));
  CHECK_THAT(message_of([&] { segx::segmenter<one_pixel>(folder / "none.safetensors", 1); }),
             Contains((folder / "none.safetensors").string()));
}
