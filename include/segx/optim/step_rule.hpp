#pragma once

#include <cstddef>
#include <vector>

namespace segx {

/// What one step does to a group of weights, as numbers: for a backend that moves them where they are. Of the two
/// rules, each reads its own.
struct group_step {
  std::size_t first = 0;
  std::size_t count = 0;
  float rate = 0;        ///< moments: α / (1 − β₁ᵗ); momentum: α
  float l2 = 0;          ///< weight decay that is added to the gradient
  float keep = 1;        ///< moments: 1 − decoupled weight decay
  float fresh1 = 0;      ///< 1 − β₁
  float old2 = 0;        ///< β₂
  float fresh2 = 0;      ///< 1 − β₂
  float root_scale = 0;  ///< 1 / √(1 − β₂ᵗ)
  float epsilon = 0;     ///< ε
  float momentum = 0;    ///< μ
};

struct step_rule {
  enum kind : unsigned char {
    moments,   ///< as Adam and AdamW; the state is m, then v
    momentum,  ///< as SGD; the state is b
    nesterov,  ///< SGD that looks ahead
    plain      ///< SGD without momentum, and without a state
  };
  kind how = moments;
  std::vector<group_step> groups;
};

}  // namespace segx
