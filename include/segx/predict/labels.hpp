#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <opencv2/core.hpp>
#include <sstream>
#include <string>
#include <system_error>
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
inline std::vector<std::string> class_names_of(const model_card& card) {
  std::vector<std::string> names;
  std::istringstream list{card.classes};
  for (std::string name; std::getline(list, name, ',');) {
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    names.push_back(name);
  }
  return names;
}

/// Throws `error` if these are not so many.
inline std::vector<std::string> class_names_of(const model_card& card, int classes) {
  std::vector<std::string> names = class_names_of(card);
  if (static_cast<int>(names.size()) != classes) {
    fail("the weight file's classes are \"" + card.classes + "\", expected " + std::to_string(classes) +
         " names with commas between them");
  }
  return names;
}

/// The probability that a class must exceed. Throws `error` where the card's is none.
inline float threshold_of(const model_card& card) {
  float value = 0.5F;
  const char* end = card.threshold.data() + card.threshold.size();
  const auto [stop, problem] = std::from_chars(card.threshold.data(), end, value);
  if (problem != std::errc{} || stop != end || !(value > 0 && value < 1)) {
    fail("the weight file's threshold is \"" + card.threshold + "\", expected a number between 0 and 1");
  }
  return value;
}

/// Writes the label map that probabilities, one plane CV_32FC1 for each class, stand for: of exclusive classes the most
/// probable one (of equal ones the first), of others those whose probability exceeds the threshold. labels CV_8UC1 of
/// the same size.
inline void write_labels(const std::vector<cv::Mat>& probabilities, label_kind kind, float threshold, cv::Mat labels) {
  std::vector<float> most(static_cast<std::size_t>(labels.cols));
  for (int i = 0; i < labels.rows; ++i) {
    auto* label = labels.ptr<std::uint8_t>(i);
    std::fill_n(label, labels.cols, std::uint8_t{0});
    std::fill(most.begin(), most.end(), -std::numeric_limits<float>::infinity());
    for (std::size_t k = 0; k < probabilities.size(); ++k) {
      const auto* p = probabilities[k].ptr<float>(i);
      for (int j = 0; j < labels.cols; ++j) {
        if (kind != label_kind::exclusive) {
          label[j] = static_cast<std::uint8_t>(label[j] | (p[j] > threshold ? 1U << k : 0U));
        } else if (p[j] > most[static_cast<std::size_t>(j)]) {
          most[static_cast<std::size_t>(j)] = p[j];
          label[j] = static_cast<std::uint8_t>(k);
        }
      }
    }
  }
}

}  // namespace segx
