#pragma once

#include <string>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/kernels/prelu.hpp>

struct prelu_case {
  segx::prelu_geometry geometry;
  segx::shape x;
  int batch = 1;

  std::string text() const {
    return std::to_string(batch) + " of " + segx::text_of(x) + (geometry.shared ? ", one slope" : "");
  }
  segx::shape output_shape(segx::shape s) const { return s; }
  std::vector<segx::parameter> parameters(segx::shape s) const {
    return {segx::parameter{"weight", {geometry.shared ? 1 : s.channels}}};
  }
  void forward(auto& on, const auto& f) const { prelu_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { prelu_backward(on, geometry, b); }
};

inline std::vector<prelu_case> prelu_cases() {
  std::vector<prelu_case> cases;
  for (const int channels : {1, 3, 8, 9, 16, 24}) {
    for (const bool shared : {false, true}) { cases.push_back({{shared}, {channels, 5, 3}, 1 + channels % 2}); }
  }
  return cases;
}
