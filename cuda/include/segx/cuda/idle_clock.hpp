#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <segx/cuda/driver.hpp>

namespace segx::gpu {

/// Sums the times in which a stream had nothing to do, from where one piece of work ended to where the next began.
class idle_clock {
 public:
  /// Set behind a piece of work, and before one: what lies between is a gap.
  void end_of_work(stream& in) {
    last_end_ = next();
    marks_[last_end_].record(in);
  }
  void begin_of_work(stream& in) {
    const std::size_t end = std::exchange(last_end_, none);
    if (end == none || gaps_ == most_gaps) { return; }
    const std::size_t begin = next();
    marks_[begin].record(in);
    open_[gaps_++] = {end, begin};
  }
  /// Something else comes between, which is no gap.
  void interrupt() { last_end_ = none; }

  /// Adds up the gaps; the stream must have reached the last begin.
  void read() {
    for (std::size_t i = 0; i < gaps_; ++i) {
      seconds_ += std::max(0.0, event::seconds_between(marks_[open_[i].end], marks_[open_[i].begin]));
    }
    gaps_ = 0;
  }

  double seconds() const { return seconds_; }

 private:
  static constexpr std::size_t most_gaps = 7, none = 2 * most_gaps + 2;
  struct gap {
    std::size_t end, begin;
  };

  /// The mark that was set longest ago: all gaps that are not read, and the last end, lie in those set later.
  std::size_t next() { return at_ = (at_ + 1) % marks_.size(); }

  std::array<event, none> marks_;
  std::array<gap, most_gaps> open_{};
  std::size_t gaps_ = 0, at_ = 0, last_end_ = none;
  double seconds_ = 0;
};

}  // namespace segx::gpu
