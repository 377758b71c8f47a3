#include <segx/predict/segmenter.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <opencv2/core.hpp>
#include <string>

#include "predict/small_networks.hpp"
#include "temporary_folder.hpp"

using namespace small_networks;
using Catch::Matchers::Contains;

namespace {

/// For images of 16 × 24.
loaded_weights<one_pixel> half_way_with(const std::string& threshold) {
  auto loaded = for_size(16, 24, half_way());
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
  segmenter<one_pixel> network{half_way_with("0.5"), {.threads = 1}};
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
    segmenter<one_pixel> network{half_way_with(threshold), {.threads = 1}};
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
    CHECK_THAT(message_of([&] { segmenter<one_pixel>(half_way_with(wrong), {.threads = 1}); }),
               Contains("threshold is \"" + wrong + "\", expected a number between 0 and 1"));
  }
}

TEST_CASE("a segmenter reads a weight file, and names it when it cannot") {
  const temporary_folder folder;
  const auto [values, card] = half_way_with("0.25");
  save_weights(folder / "w.safetensors", values, card);
  CHECK(segmenter<one_pixel>{folder / "w.safetensors"}.threshold() == 0.25F);

  cut_file(folder / "w.safetensors", 0.9);
  CHECK_THAT(message_of([&] { segmenter<one_pixel>(folder / "w.safetensors"); }),
             Contains((folder / "w.safetensors").string()));
  CHECK_THAT(message_of([&] { segmenter<one_pixel>(folder / "none.safetensors"); }),
             Contains((folder / "none.safetensors").string()));
}

TEST_CASE("a padded image is seen with its aspect, and its borders come back") {
  // A probability that depends on the pixel alone: padding must neither shift nor dim it.
  const cv::Mat gray = two_halves(48, 48, 0.1F, 0.9F);  // on an input of 16 × 24: black at left and right
  segmenter<one_pixel> network{half_way_with("0.5"), {.fitting = fit::pad, .threads = 1}};
  const cv::Mat probability = network.probability(gray);
  CHECK(probability.size() == gray.size());
  for (const int row : {0, 20, 47}) {
    CHECK(probability.at<float>(row, 0) == Approx(1 / (1 + std::exp(4.0))).epsilon(1e-4));
    CHECK(probability.at<float>(row, 47) == Approx(1 / (1 + std::exp(-4.0))).epsilon(1e-4));
  }
  CHECK(cv::countNonZero(network.mask(gray)) == 48 * 24);
}

TEST_CASE("what depends on each pixel alone is the same in tiles as on the whole image") {
  for (const auto& [height, width] : {std::pair{16, 24}, {7, 5}, {40, 31}, {33, 128}, {9, 100}, {100, 9}}) {
    const cv::Mat image = noise(height, width);
    const cv::Mat whole = segmenter<one_pixel>{for_size(height, width, half_way()), {.threads = 1}}.probability(image);
    for (const double overlap : {0.0, 0.5, 0.75}) {
      segmenter<one_pixel> tiled{half_way_with("0.5"), {.fitting = fit::tile, .overlap = overlap, .threads = 1}};
      CHECK(difference(tiled.probability(image), whole) < 1e-6);
    }
  }
}

TEST_CASE("what depends on neighbours is the same in tiles, away from their borders") {
  constexpr int height = 70;
  constexpr int width = 91;
  const auto w = weights<neighbours>::random(1);
  const cv::Mat image = noise(height, width);
  const cv::Mat whole = segmenter<neighbours>{for_size(height, width, w), {.threads = 1}}.probability(image);
  segmenter<neighbours> tiles{for_size(24, 32, w), {.fitting = fit::tile, .threads = 1}};
  const cv::Mat tiled = tiles.probability(image);

  cv::Mat inner(image.size(), CV_8UC1, cv::Scalar(1));  // where no tile that has a say lacks a neighbour
  for (const auto& [axis, is_vertical] :
       {std::pair{tile_axis{height, 24, 0.5}, true}, {tile_axis{width, 32, 0.5}, false}}) {
    for (int t = 0; t < axis.count(); ++t) {
      for (int i = 0; i < reach; ++i) {
        for (const int at : {axis.first(t) + i, axis.first(t) + axis.tile() - 1 - i}) {
          if (at >= reach && at < axis.length() - reach) { (is_vertical ? inner.row(at) : inner.col(at)).setTo(0); }
        }
      }
    }
  }
  CHECK(cv::countNonZero(inner) > height * width / 3);
  CHECK(cv::norm(tiled, whole, cv::NORM_INF, inner) < 1e-5);
  CHECK(difference(tiled, whole) < 2e-3);  // and at their borders nearly so, where a tile has next to no say
}

TEST_CASE("the rows that are done first are those of the whole") {  // a band at a time, as labels() takes them
  const cv::Mat image = noise(150, 40);
  segmenter<one_pixel> tiles{half_way_with("0.5"), {.fitting = fit::tile, .threads = 1}};
  CHECK(difference(tiles.labels(image), tiles.labels_of(tiles.probabilities(image))) == 0);
  CHECK(cv::countNonZero(tiles.labels(image)) == cv::countNonZero(image > 0.5F));
}

TEST_CASE("classes that overlap, and classes that do not") {
  cv::Mat image(16, 24, CV_32FC3, cv::Scalar(0.9, 0.1, 0.8));  // red and blue
  image.colRange(12, 24) = cv::Scalar(0.1, 0.7, 0.2);          // green
  image.rowRange(0, 4) = cv::Scalar(0.1, 0.2, 0.1);            // nothing, though most like green
  const auto at = [](const cv::Mat& labels) {
    return std::array<int, 3>{labels.at<unsigned char>(8, 2), labels.at<unsigned char>(8, 20),
                              labels.at<unsigned char>(1, 1)};
  };
  for (const fit how : {fit::stretch, fit::pad, fit::tile}) {
    segmenter<overlapping> several{for_size(16, 24, of_channels<overlapping>()), {.fitting = how, .threads = 1}};
    CHECK(several.label_map() == label_kind::overlapping);
    CHECK(several.classes() == 3);
    CHECK(at(several.labels(image)) == std::array{5, 2, 0});
    CHECK(at(several.mask(image, 2)) == std::array{1, 0, 0});
    CHECK(several.probabilities(image)[1].at<float>(8, 20) == Approx(1 / (1 + std::exp(-2.0))));

    segmenter<exclusive> one{for_size(16, 24, of_channels<exclusive>()), {.fitting = how, .threads = 1}};
    CHECK(one.label_map() == label_kind::exclusive);
    CHECK(at(one.labels(image)) == std::array{0, 1, 1});
    CHECK(at(one.mask(image, 0)) == std::array{1, 0, 0});
    const auto p = one.probabilities(image);
    CHECK(difference(p[0] + p[1] + p[2], cv::Mat::ones(image.size(), CV_32F)) < 1e-5);
  }
}

TEST_CASE("an image is normalised as the card says, black around it too") {
  auto loaded = for_size(16, 24, half_way());
  loaded.card.normalisation = "mean 0.25 std 0.5";
  const cv::Mat image(8, 8, CV_32FC1, cv::Scalar(0.5));
  for (const fit how : {fit::stretch, fit::pad, fit::tile}) {
    const cv::Mat p = segmenter<one_pixel>{loaded, {.fitting = how, .threads = 1}}.probability(image);
    CHECK(p.at<float>(4, 4) == Approx(0.5));  // (0.5 − 0.25) / 0.5 = 0.5, half way
  }
  auto w = weights<neighbours>{};
  std::fill(w.values().begin(), w.values().end(), 0.1F);
  auto seen = for_size(24, 24, w);
  seen.card.normalisation = "mean 0.25 std 0.5";
  const cv::Mat small = segmenter<neighbours>{seen, {.fitting = fit::tile, .threads = 1}}.probability(image);
  cv::Mat framed = cv::Mat::zeros(24, 24, CV_32FC1);
  image.copyTo(framed(cv::Rect{8, 8, 8, 8}));
  const cv::Mat whole = segmenter<neighbours>{seen, {.threads = 1}}.probability(framed);
  CHECK(difference(small, whole(cv::Rect{8, 8, 8, 8})) < 1e-6);
}

TEST_CASE("flips are averaged, and the mean of a mirrored image is the mirrored mean") {
  const auto w = weights<neighbours>::random(2);
  const cv::Mat image = noise(24, 32);
  for (const fit how : {fit::stretch, fit::tile}) {
    for (const flips over : {flips::horizontal, flips::both}) {
      segmenter<neighbours> network{for_size(24, 32, w), {.fitting = how, .passes = {.over = over}, .threads = 1}};
      const cv::Mat p = network.probability(image);
      for (int k = 1; k < count_of(over); ++k) {
        CHECK(difference(network.probability(flipped(image, k)), flipped(p, k)) < 1e-5);
      }
      segmenter<neighbours> plain{for_size(24, 32, w), {.fitting = how, .threads = 1}};
      CHECK(difference(plain.probability(image), p) > 1e-3);
    }
  }
}

TEST_CASE("dropout at prediction gives the same for the same seed, and says where it is unsure") {
  const auto loaded = for_size(16, 24, weights<dropping>::random(1));
  const cv::Mat image = noise(40, 50);
  for (const fit how : {fit::stretch, fit::pad, fit::tile}) {
    segmenter<dropping> network{loaded, {.fitting = how, .passes = {.dropout_passes = 8}, .threads = 1}};
    const prediction first = network.predict(image);
    const prediction second = network.predict(image);
    CHECK(first.uncertainty.size() == image.size());
    CHECK(first.uncertainty.type() == CV_32FC1);
    CHECK(cv::checkRange(first.uncertainty, true, nullptr, 0, 0.5001));
    CHECK(cv::mean(first.uncertainty)[0] > 0.01);
    CHECK(difference(first.uncertainty, second.uncertainty) == 0);
    for (int k = 0; k < 2; ++k) { CHECK(difference(first.probabilities[k], second.probabilities[k]) == 0); }

    segmenter<dropping> other{loaded, {.fitting = how, .passes = {.dropout_passes = 8, .seed = 1}, .threads = 1}};
    CHECK(difference(other.predict(image).uncertainty, first.uncertainty) > 0);
    segmenter<dropping> sure{loaded, {.fitting = how, .threads = 1}};
    CHECK(sure.predict(image).uncertainty.empty());
  }
}

TEST_CASE("networks and images that do not fit are refused in a sentence") {
  struct two_channels : network<input<2>, chain<conv1x1<1>, sigmoid>> {};
  struct headless : network<input<1>, chain<conv1x1<1>>> {};
  struct nine_classes : network<input<1>, chain<conv1x1<9>, sigmoid>> {};
  const auto of = [](auto w) {
    using network = typename decltype(w)::network_type;
    return segmenter<network>{for_size(16, 24, w), {.threads = 1}};
  };
  CHECK_THAT(message_of([&] { of(weights<two_channels>{}); }), Contains("1 or 3 channels, but the network takes 2"));
  CHECK_THAT(message_of([&] { of(weights<headless>{}); }), Contains("must end in sigmoid or softmax"));
  CHECK_THAT(message_of([&] { of(weights<nine_classes>{}).labels(noise(16, 24)); }),
             Contains("holds 8 classes at most, but the network has 9; use its probabilities"));
  CHECK(of(weights<nine_classes>{}).probabilities(noise(16, 24)).size() == 9);
  CHECK_THAT(message_of([&] { of(weights<overlapping>{}).mask(noise(16, 24, CV_32FC3)); }), Contains("has 3 classes"));
  CHECK_THAT(message_of([&] { of(weights<one_pixel>{}).mask(noise(16, 24, CV_32FC3)); }),
             Contains("takes images of type CV_32FC1, not CV_32FC3"));
  CHECK_THAT(message_of([&] { of(weights<one_pixel>{}).mask(cv::Mat(16, 24, CV_8UC1)); }),
             Contains("not CV_8UC1; to_unit(image) brings its values to [0,1]"));
  CHECK_THAT(message_of([&] { of(weights<one_pixel>{}).mask({}); }), Contains("the image is empty"));
  CHECK_THAT(message_of([&] { of(weights<overlapping>{}).mask(noise(16, 24, CV_32FC3), 3); }),
             Contains("there is no class 3, the network has 3"));
  CHECK_THAT(message_of([&] {
               segmenter<one_pixel>{half_way_with("0.5"), {.overlap = 0.95}};
             }),
             Contains("overlap by 0 to 0.9 of their length"));
}
