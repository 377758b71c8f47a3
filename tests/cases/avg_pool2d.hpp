#pragma once

#include <string>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/kernels/avg_pool2d.hpp>

/// Average pooling with its windows as a value.
struct avg_pool2d_case {
  segx::avg_pool2d_geometry geometry;
  segx::shape x;
  int batch = 1;
  segx::shape adaptive_to{};

  std::string text() const {
    const segx::pool2d_geometry& w = geometry.windows;
    return "kernel " + std::to_string(w.kernel) + " stride " + std::to_string(w.stride) + " padding " +
           std::to_string(w.padding) + (geometry.count_include_pad ? "" : " counts the image alone") +
           (geometry.adaptive ? " adaptive to " + segx::text_of(adaptive_to) : "") + ", " + std::to_string(batch) +
           " of " + segx::text_of(x);
  }
  segx::shape output_shape(segx::shape s) const {
    if (geometry.adaptive) { return {s.channels, adaptive_to.height, adaptive_to.width}; }
    return {s.channels, geometry.windows.output_extent(s.height), geometry.windows.output_extent(s.width)};
  }
  void forward(auto& on, const auto& f) const { avg_pool2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { avg_pool2d_backward(on, geometry, b); }
};

/// Windows side by side, overlapping, over the border, adaptive (larger results than images, too); on every number of
/// channels.
inline std::vector<avg_pool2d_case> avg_pool2d_cases() {
  std::vector<avg_pool2d_case> cases;
  for (const int channels : {1, 3, 8, 9, 24}) {
    const segx::shape x{channels, 7, 5};
    for (const segx::pool2d_geometry windows : {segx::pool2d_geometry{3, 2, 1}, {3, 2, 0}, {3, 1, 1}, {5, 1, 2}}) {
      cases.push_back({{windows, true}, x, 1 + channels % 2});
      cases.push_back({{windows, false}, x, 1 + channels % 2});
    }
    cases.push_back({{{2}}, {channels, 6, 4}, 2});
    cases.push_back({{.windows = {}, .adaptive = true}, x, 1 + channels % 2, {0, 3, 2}});
    cases.push_back({{.windows = {}, .adaptive = true}, x, 1, {0, 1, 1}});
    cases.push_back({{.windows = {}, .adaptive = true}, x, 1, {0, 6, 8}});
  }
  return cases;
}
