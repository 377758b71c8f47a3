#pragma once

#include <segx/kernels/channel_scale.hpp>
#include <segx/kernels/global_avg_pool2d.hpp>

#include "cases/elementwise.hpp"

struct global_avg_pool2d_case : elementwise_case {
  segx::shape output_shape(segx::shape s) const { return {s.channels, 1, 1}; }
  void forward(auto& on, const auto& f) const { global_avg_pool2d_forward(on, f); }
  void backward(auto& on, const auto& b) const { global_avg_pool2d_backward(on, b); }
};

struct channel_scale_case : elementwise_case {
  segx::shape output_shape(segx::shape s, segx::shape) const { return s; }
  void forward(auto& on, const auto& f) const { channel_scale_forward(on, f); }
  void backward(auto& on, const auto& b) const { channel_scale_backward(on, b); }
};

inline std::vector<global_avg_pool2d_case> global_avg_pool2d_cases() {
  std::vector<global_avg_pool2d_case> cases;
  for (const int channels : {1, 3, 8, 9, 16, 24}) {
    cases.push_back({{{{channels, 5, 7}}, 2}});
    cases.push_back({{{{channels, 1, 1}}, 1}});
  }
  return cases;
}

/// Every epilogue that the layer can end in, on every number of channels.
inline std::vector<channel_scale_case> channel_scale_cases() {
  std::vector<channel_scale_case> cases;
  for (elementwise_case c : elementwise_cases(2)) {
    c.x[1] = {c.x[0].channels, 1, 1};
    cases.push_back({c});
  }
  return cases;
}
