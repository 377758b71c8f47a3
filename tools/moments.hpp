#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace segx::tool {

/// Moments in the work of a backend, to know how long lies between two of them.
template <class Backend>
class moments {
 public:
  moments(Backend&, std::size_t count) : at_(count) {}

  void record(std::size_t k) { at_[k] = clock::now(); }
  /// Until all of them have come; then seconds from one to the next are known.
  void wait() {}
  double seconds(std::size_t first, std::size_t next) const {
    return std::chrono::duration<double>(at_[next] - at_[first]).count();
  }

 private:
  using clock = std::chrono::steady_clock;

  std::vector<clock::time_point> at_;
};

}  // namespace segx::tool
