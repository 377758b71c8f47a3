#pragma once

#include <segx/core/combine.hpp>
#include <segx/core/network.hpp>
#include <segx/core/random.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/layers/softmax.hpp>

#include <opencv2/core.hpp>

/// Networks so small that a test can say what they find.
namespace small_networks {

using namespace segx;

/// probability = sigmoid(w · gray + b), pixel by pixel.
struct one_pixel : network<input<1>, chain<named<"head", conv1x1<1>>, sigmoid>> {};

/// Three classes of an RGB image, each pixel by itself.
struct overlapping : network<input<3>, chain<conv1x1<3>, sigmoid>> {};
struct exclusive : network<input<3>, chain<conv1x1<3>, softmax>> {};

/// A pixel's probability depends on its 5×5 neighbours.
struct neighbours : network<input<1>, chain<conv3x3<8>, relu, conv3x3<1>, sigmoid>> {};
constexpr int reach = 2;  // of these neighbours, in pixels

/// Dropout in the middle.
struct dropping : network<input<1>, chain<conv3x3<8>, relu, dropout<50>, conv3x3<2>, sigmoid>> {};

/// Weights with a card for images of this size.
template <class Network>
loaded_weights<Network> for_size(int height, int width, const weights<Network>& values) {
  loaded_weights<Network> loaded{values, {}};
  loaded.card.height = height;
  loaded.card.width = width;
  return loaded;
}

/// With w = 10 and b = −5, a probability of `one_pixel` exceeds 0.5 where gray exceeds 0.5.
inline weights<one_pixel> half_way() {
  weights<one_pixel> w;
  w.values()[0] = 10;
  w.values()[1] = -5;
  return w;
}

/// Logit k = 10 · channel k − 5, for both networks of three classes.
template <class Network>
weights<Network> of_channels() {
  weights<Network> w;
  for (int k = 0; k < 3; ++k) {
    w.values()[static_cast<std::size_t>(4 * k)] = 10;
    w.values()[static_cast<std::size_t>(9 + k)] = -5;
  }
  return w;
}

/// An image of noise in [0,1).
inline cv::Mat noise(int height, int width, int type = CV_32FC1, std::uint64_t seed = 1) {
  cv::Mat image(height, width, type);
  random_generator draw{seed};
  for (int i = 0; i < image.rows; ++i) {
    for (int j = 0; j < image.cols * image.channels(); ++j) {
      image.ptr<float>(i)[j] = static_cast<float>(draw.uniform());
    }
  }
  return image;
}

/// The largest difference between two images.
inline double difference(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF); }

}  // namespace small_networks
