#pragma once

#include <string_view>
#include <vector>

#include <segx/train/recipe.hpp>

namespace segx {

/// What the paper reports of a model, as texts; "" where it is not known here. Its two results with pretrained encoders
/// are known, but not which model has which.
struct paper_figures {
  std::string_view iou{}, dice{}, epochs{}, time{};
};

/// One of the five models of Belozerov & Sudakov, Keldysh Institute preprint, 2022, and how it is trained: as in the
/// paper, and so narrow and small that two cores train all five in an hour. What the paper leaves open is as in any
/// recipe; docs/paper.md tells the one from the other.
struct paper_model {
  std::string_view key;
  std::string_view name;
  std::string_view feed;  // as `segx train --feed` has it
  recipe full, small;
  bool has_encoder = false;  // for which there are ImageNet weights
  paper_figures published = {};
};

std::vector<paper_model> paper_recipes();

}  // namespace segx

#ifndef SEGX_COMPILED
#include <segx/train/impl/paper_recipes.hpp>
#endif
