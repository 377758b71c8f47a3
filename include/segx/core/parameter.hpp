#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace segx {

/// How an array of weights starts: he_normal draws from N(0, 2/fan_in) (He et al., ICCV 2015, arXiv:1502.01852).
enum class init { zero, one, quarter, he_normal };

/// One array of weights of a layer: its name in a weight file, its extents (outermost first), how to start it.
struct parameter {
  std::string_view name;
  std::array<int, 4> extents{1, 1, 1, 1};  // extents behind `rank` are 1
  int rank = 0;
  init start = init::zero;
  int fan_in = 1;  // values that one output sums over
  // Not learned but averaged over batches, as the running mean of a batch normalisation. Its "gradient" is what the
  // next step takes off it.
  bool is_statistic = false;

  constexpr parameter() = default;
  constexpr parameter(std::string_view n, std::initializer_list<int> e, init s = init::zero, int fan = 1)
      : name{n}, rank{static_cast<int>(e.size())}, start{s}, fan_in{fan} {
    int i = 0;
    for (int extent : e) { extents[i++] = extent; }
  }

  static constexpr parameter statistic(std::string_view name, int channels, init start) {
    parameter p{name, {channels}, start};
    p.is_statistic = true;
    return p;
  }

  constexpr std::int64_t size() const { return std::int64_t{extents[0]} * extents[1] * extents[2] * extents[3]; }
};

}  // namespace segx
