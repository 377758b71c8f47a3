#pragma once

#include <array>
#include <string>
#include <vector>

#include <segx/kernels/group_norm2d.hpp>

#include "cases/elementwise.hpp"

/// Group and instance normalisation with their options as values.
struct group_norm2d_case : elementwise_case {
  segx::group_norm2d_geometry geometry;
  bool affine = true;

  std::string text() const {
    return std::to_string(geometry.groups) + " groups" + (affine ? ", affine, " : ", ") + elementwise_case::text();
  }
  segx::shape output_shape(segx::shape s) const { return s; }
  std::vector<segx::parameter> parameters(segx::shape s) const {
    if (!affine) { return {}; }
    return {segx::parameter{"weight", {s.channels}}, segx::parameter{"bias", {s.channels}}};
  }
  template <segx::backend B>
  segx::workspace needs(segx::shape s) const {
    return segx::group_norm2d_workspace(std::type_identity<B>{}, s);
  }
  void forward(auto& on, const auto& f) const { group_norm2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { group_norm2d_backward(on, geometry, b); }
};

/// Groups within a block of channels, across blocks, of several blocks, of all channels, of one; every epilogue.
inline std::vector<group_norm2d_case> group_norm2d_cases() {
  struct split {
    int channels, groups;
  };
  std::vector<group_norm2d_case> cases;
  const std::vector<elementwise_case> ends = elementwise_cases(1);
  std::size_t n = 0;
  for (const split s : {split{3, 1}, {3, 3}, {8, 4}, {9, 3}, {24, 2}, {24, 8}, {48, 3}, {20, 1}, {17, 0}, {5, 0}}) {
    for (const bool affine : {true, false}) {
      const int batch = 1 + static_cast<int>(n % 3);
      cases.push_back({{{{s.channels, 3, 5}}, batch, ends[n++ % 9].then}, {s.groups, 1e-5}, affine});
    }
  }
  return cases;
}
