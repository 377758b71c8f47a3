#pragma once

#include <limits>

namespace segx {

/// Counts the epochs since a score was best: what "reduce on plateau" and early stopping have in common.
struct patience {
  double best = -std::numeric_limits<double>::infinity();
  int waited = 0;  ///< epochs since then

  /// An epoch's score; it must exceed the best by more than `least_gain` to be a new best.
  void see(double score, double least_gain = 0) {
    if (score > best + least_gain) {
      best = score;
      waited = 0;
    } else {
      ++waited;
    }
  }
};

}  // namespace segx
