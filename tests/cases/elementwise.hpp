#pragma once

#include <string>
#include <vector>

#include <segx/core/describe.hpp>
#include <segx/kernels/elementwise.hpp>

#include "cases/agreement.hpp"

/// Layers without weights whose result has the extents of their inputs, or joins them; the epilogue is a value.
struct elementwise_case {
  std::vector<segx::shape> x;
  int batch = 1;
  segx::epilogue then{};

  std::string text() const {
    std::string text = std::to_string(batch) + " of";
    for (const segx::shape& s : x) { text += " " + segx::text_of(s); }
    return text + text_of(then);
  }
};

struct pointwise_case : elementwise_case {
  segx::shape output_shape(segx::shape s) const { return s; }
  void forward(auto& on, const auto& f) const { pointwise_forward(on, f); }
  void backward(auto& on, const auto& b) const { pointwise_backward(on, b); }
};

struct add_case : elementwise_case {
  segx::shape output_shape(segx::shape s, segx::shape) const { return s; }
  void forward(auto& on, const auto& f) const { add_forward(on, f); }
  void backward(auto& on, const auto& b) const { add_backward(on, b); }
};

struct concat_case : elementwise_case {
  segx::shape output_shape(segx::shape a, segx::shape b) const { return {a.channels + b.channels, a.height, a.width}; }
  void forward(auto& on, const auto& f) const { concat_forward(on, f); }
  void backward(auto& on, const auto& b) const { concat_backward(on, b); }
};

/// Every epilogue that a layer can end in, on every number of channels.
inline std::vector<elementwise_case> elementwise_cases(int inputs) {
  using enum segx::activation;
  constexpr segx::epilogue thens[] = {{.act = relu},
                                      {.act = relu6},
                                      {.act = leaky_relu, .slope = 0.1F},
                                      {.act = elu, .dropout = 0.25F, .slope = 0.5F},
                                      {.act = hard_sigmoid},
                                      {.act = sigmoid},
                                      {.dropout = 0.1F},
                                      {.act = relu, .dropout = 0.5F},
                                      {.act = sigmoid, .dropout = 0.25F}};
  std::vector<elementwise_case> cases;
  for (const int channels : {1, 3, 5, 8, 9, 16, 24}) {
    const std::vector<segx::shape> x(static_cast<std::size_t>(inputs), {channels, 5, 7});
    for (const segx::epilogue& then : thens) { cases.push_back({x, 2, then}); }
    if (inputs > 1) { cases.push_back({x, 3}); }
  }
  return cases;
}

inline std::vector<concat_case> concat_cases() {
  std::vector<concat_case> cases;
  for (const int first : {1, 3, 8, 9, 16}) {
    for (const int second : {1, 5, 8, 24}) { cases.push_back({{{{first, 3, 5}, {second, 3, 5}}, 2}}); }
  }
  return cases;
}
