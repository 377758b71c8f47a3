#pragma once

#include <vector>

#include <segx/kernels/plane_scale.hpp>

#include "cases/elementwise.hpp"

struct plane_scale_case : elementwise_case {
  segx::shape output_shape(segx::shape s, segx::shape) const { return s; }
  void forward(auto& on, const auto& f) const { plane_scale_forward(on, f); }
  void backward(auto& on, const auto& b) const { plane_scale_backward(on, b); }
};

/// Every epilogue that the layer can end in, on every number of channels.
inline std::vector<plane_scale_case> plane_scale_cases() {
  std::vector<plane_scale_case> cases;
  for (elementwise_case c : elementwise_cases(2)) {
    c.x[1].channels = 1;
    cases.push_back({c});
  }
  return cases;
}
