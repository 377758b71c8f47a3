#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace segx {

/// Which connected component each pixel of a mask [H,W] belongs to: 0 where the mask is 0, else 1, 2, … in the order in
/// which rows are read. Pixels that touch at a corner are connected.
struct connected_components {
  std::vector<int> labels;  ///< [H,W]
  int count = 0;
};

inline connected_components find_components(std::span<const std::uint8_t> mask, int height, int width) {
  connected_components found{std::vector<int>(mask.size()), 0};
  std::vector<std::pair<int, int>> open;  // pixels (row, column) whose neighbours are to be looked at
  const auto visit = [&](int y, int x) {
    const auto i = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
    if (!mask[i] || found.labels[i]) { return false; }
    found.labels[i] = found.count;
    open.emplace_back(y, x);
    return true;
  };
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      ++found.count;
      if (!visit(row, column)) { --found.count; }
      while (!open.empty()) {
        const auto [y, x] = open.back();
        open.pop_back();
        for (int ny = y > 0 ? y - 1 : 0; ny <= y + 1 && ny < height; ++ny) {
          for (int nx = x > 0 ? x - 1 : 0; nx <= x + 1 && nx < width; ++nx) { visit(ny, nx); }
        }
      }
    }
  }
  return found;
}

}  // namespace segx
