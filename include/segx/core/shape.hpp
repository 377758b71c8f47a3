#pragma once

#include <cstdint>

namespace segx {

/// Extent of one image's activation, [C,H,W]. The batch size N is a run-time value and never part of a shape.
struct shape {
  int channels = 0;
  int height = 0;
  int width = 0;

  constexpr std::int64_t plane() const { return std::int64_t{height} * width; }
  constexpr std::int64_t size() const { return channels * plane(); }

  friend constexpr bool operator==(const shape&, const shape&) = default;
};

constexpr bool same_plane(shape a, shape b) { return a.height == b.height && a.width == b.width; }

}  // namespace segx
