#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include <segx/core/epilogue.hpp>
#include <segx/core/error.hpp>
#include <segx/image/label_map.hpp>
#include <segx/io/weight_format.hpp>

// What the numbers that a network gives for each pixel say about classes.

namespace segx {

/// Classes behind a softmax exclude one another; behind a sigmoid each is asked for by itself. Throws `error` where a
/// network ends in something else.
template <class Network>
label_kind label_kind_of(const Network& network) {
  switch (network.nodes().back().head) {
    case activation::softmax:
      return label_kind::exclusive;
    case activation::sigmoid:
      return network.classes == 1 ? label_kind::binary : label_kind::overlapping;
    default:
      fail("a network must end in sigmoid or softmax, so that it gives probabilities of its classes");
  }
}

/// The names of a network's classes, as the card lists them.
std::vector<std::string> class_names_of(const model_card& card);

/// Throws `error` if these are not so many.
std::vector<std::string> class_names_of(const model_card& card, int classes);

/// The probability that a class must exceed. Throws `error` where the card's is none.
float threshold_of(const model_card& card);

/// Writes the label map that probabilities, one plane CV_32FC1 for each class, stand for: of exclusive classes the most
/// probable one (of equal ones the first), of others those whose probability exceeds the threshold. labels CV_8UC1 of
/// the same size.
void write_labels(const std::vector<cv::Mat>& probabilities, label_kind kind, float threshold, cv::Mat labels);

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/predict/impl/labels.hpp>
#endif
