#pragma once

#include <segx/optim/patience.hpp>

namespace segx {

/// Ends a training once its score has not risen by more than `min_delta` for so many epochs; never for 0.
/// Source: Prechelt, "Early stopping - but when?", 1998.
struct early_stop {
  int epochs = 0;
  double min_delta = 0;
  segx::patience seen{};

  void validated(double score) { seen.see(score, min_delta); }
  bool is_time() const { return epochs > 0 && seen.waited >= epochs; }
};

}  // namespace segx
