#pragma once

#include <string>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/kernels/max_pool2d.hpp>

/// Max pooling with its window as a value.
struct max_pool2d_case {
  segx::max_pool2d_geometry geometry;
  segx::shape x;
  int batch = 1;

  std::string text() const {
    return "window " + std::to_string(geometry.window) + ", " + std::to_string(batch) + " of " + segx::text_of(x);
  }
  segx::shape output_shape(segx::shape s) const {
    return {s.channels, s.height / geometry.window, s.width / geometry.window};
  }
  void forward(auto& on, const auto& f) const { max_pool2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { max_pool2d_backward(on, geometry, b); }
};

inline std::vector<max_pool2d_case> max_pool2d_cases() {
  std::vector<max_pool2d_case> cases;
  for (const int window : {2, 3, 4}) {
    for (const int channels : {1, 3, 5, 8, 9, 16, 24}) {
      cases.push_back({{window}, {channels, 3 * window, window * (1 + channels % 3)}, 1 + channels % 2});
    }
  }
  return cases;
}
