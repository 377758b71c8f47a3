#pragma once

#include <string>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/kernels/upsample2d.hpp>

/// Enlargement with its options as values.
struct upsample2d_case {
  segx::upsample2d_geometry geometry;
  segx::shape x;
  int batch = 1;

  std::string text() const {
    return std::string{geometry.mode == segx::interpolation::nearest ? "nearest" : "bilinear"} + " by " +
           std::to_string(geometry.factor) + (geometry.align_corners ? ", corners aligned, " : ", ") +
           std::to_string(batch) + " of " + segx::text_of(x);
  }
  segx::shape output_shape(segx::shape s) const {
    return {s.channels, s.height * geometry.factor, s.width * geometry.factor};
  }
  void forward(auto& on, const auto& f) const { upsample2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { upsample2d_backward(on, geometry, b); }
};

/// Every way to enlarge, on every number of channels; images of one row, of one pixel.
inline std::vector<upsample2d_case> upsample2d_cases() {
  using enum segx::interpolation;
  std::vector<upsample2d_case> cases;
  for (const int factor : {2, 3, 4}) {
    for (const segx::upsample2d_geometry g :
         {segx::upsample2d_geometry{factor, nearest}, {factor, bilinear}, {factor, bilinear, true}}) {
      for (const int channels : {1, 3, 8, 9, 24}) { cases.push_back({g, {channels, 3, 5}, 1 + channels % 2}); }
      cases.push_back({g, {8, 1, 4}, 2});
      cases.push_back({g, {16, 2, 1}, 1});
      cases.push_back({g, {9, 1, 1}, 2});
    }
  }
  return cases;
}
