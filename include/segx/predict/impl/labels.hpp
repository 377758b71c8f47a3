#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/core/number_text.hpp>
#include <segx/predict/labels.hpp>

namespace segx {

SEGX_IMPL std::vector<std::string> class_names_of(const model_card& card) {
  std::vector<std::string> names;
  std::istringstream list{card.classes};
  for (std::string name; std::getline(list, name, ',');) {
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    names.push_back(name);
  }
  return names;
}

SEGX_IMPL std::vector<std::string> class_names_of(const model_card& card, int classes) {
  std::vector<std::string> names = class_names_of(card);
  if (static_cast<int>(names.size()) != classes) {
    fail({"the weight file's classes are \"", card.classes, "\", expected ", classes,
          " names with commas between them"});
  }
  return names;
}

SEGX_IMPL float threshold_of(const model_card& card) {
  const std::optional<float> value = number_of<float>(card.threshold);
  if (!value || !(*value > 0 && *value < 1)) {
    fail({"the weight file's threshold is \"", card.threshold, "\", expected a number between 0 and 1"});
  }
  return *value;
}

SEGX_IMPL void write_labels(const std::vector<cv::Mat>& probabilities, label_kind kind, float threshold,
                            cv::Mat labels) {
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
