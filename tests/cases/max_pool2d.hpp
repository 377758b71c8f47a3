#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/kernels/max_pool2d.hpp>

/// Max pooling with its windows as a value.
struct max_pool2d_case {
  segx::pool2d_geometry geometry;
  segx::shape x;
  int batch = 1;

  std::string text() const {
    return "kernel " + std::to_string(geometry.kernel) + " stride " + std::to_string(geometry.stride) + " padding " +
           std::to_string(geometry.padding) + ", " + std::to_string(batch) + " of " + segx::text_of(x);
  }
  segx::shape output_shape(segx::shape s) const {
    return {s.channels, geometry.output_extent(s.height), geometry.output_extent(s.width)};
  }
  template <segx::backend B>
  segx::workspace needs(segx::shape s) const {
    return max_pool2d_workspace(std::type_identity<B>{}, geometry, s);
  }
  void forward(auto& on, const auto& f) const { max_pool2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { max_pool2d_backward(on, geometry, b); }
};

/// Windows side by side, overlapping, with gaps between them, over the border; on every number of channels.
inline std::vector<max_pool2d_case> max_pool2d_cases() {
  std::vector<max_pool2d_case> cases;
  for (const int window : {2, 3, 4}) {
    for (const int channels : {1, 3, 5, 8, 9, 16, 24}) {
      cases.push_back({{window}, {channels, 3 * window, window * (1 + channels % 3)}, 1 + channels % 2});
    }
  }
  for (const int channels : {3, 8, 9, 24}) {
    for (const segx::pool2d_geometry windows :
         {segx::pool2d_geometry{3, 2, 1}, {3, 2, 0}, {3, 1, 1}, {5, 3, 2}, {1, 2, 0}}) {
      cases.push_back({windows, {channels, 7, 5}, 1 + channels % 2});
    }
    cases.push_back({{3, 2, 1}, {channels, 8, 1}, 2});
  }
  return cases;
}
