#pragma once

#include <cstddef>
#include <string>

#include <segx/core/joined.hpp>
#include <segx/io/weight_format.hpp>
#include <segx/train/feed_choice.hpp>

#include "file_words.hpp"

// What commands that train say alike.

namespace segx::tool {

/// What a training takes, of the line before it begins.
inline std::string memory_text(std::size_t bytes, const feed_choice& feeding) {
  return joined({bytes / 1000000, " MB for network, gradients, optimizer and checkpoint; ", feeding.text()});
}

/// What a command knows of the weights' card; `trained_on`, if it is empty, becomes so many images of the data folder.
inline model_card card_of_training(const std::string& trained_on, const std::string& licence, std::size_t images,
                                   const std::string& data) {
  model_card card;
  card.licence = licence;
  card.trained_on = !trained_on.empty() ? trained_on : joined({images, " images of ", name_of_folder(data)});
  return card;
}

}  // namespace segx::tool
