#pragma once

#include <string>
#include <vector>

#include <segx/kernels/batch_norm2d.hpp>

#include "cases/elementwise.hpp"

/// Batch normalisation with its options as values, by the statistics of the batch or by running ones.
struct batch_norm2d_case : elementwise_case {
  segx::batch_norm2d_geometry geometry;
  bool batch_statistics = true;

  std::string text() const {
    return (batch_statistics ? "statistics of the batch, " : "running statistics, ") + elementwise_case::text();
  }
  segx::shape output_shape(segx::shape s) const { return s; }
  std::vector<segx::parameter> parameters(segx::shape s) const {
    return {segx::parameter{"weight", {s.channels}}, segx::parameter{"bias", {s.channels}},
            segx::parameter::statistic("running_mean", s.channels, segx::init::zero),
            segx::parameter::statistic("running_var", s.channels, segx::init::one)};
  }
  template <segx::backend B>
  segx::workspace needs(segx::shape s) const {
    return segx::batch_norm2d_workspace(std::type_identity<B>{}, s);
  }
  void forward(auto& on, const auto& f) const { batch_norm2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { batch_norm2d_backward(on, geometry, b); }

  segx::testing::layer_inputs inputs() const {
    segx::testing::layer_inputs in = segx::testing::draw(*this, batch, x, then);
    in.batch_statistics = batch_statistics;
    return in;
  }
};

/// Fewer channels than lanes, as many, a few more, several blocks; odd extents, rows and columns alone; every epilogue.
inline std::vector<batch_norm2d_case> batch_norm2d_cases() {
  constexpr segx::batch_norm2d_geometry geometries[] = {{}, {.epsilon = 1e-3, .momentum = 0.01}, {.momentum = 1}};
  std::vector<batch_norm2d_case> cases;
  const std::vector<elementwise_case> ends = elementwise_cases(1);
  std::size_t n = 0;
  for (const int channels : {1, 3, 5, 8, 9, 16, 17, 24, 31}) {
    for (const segx::shape s : {segx::shape{channels, 5, 7}, {channels, 9, 1}, {channels, 1, 11}, {channels, 4, 3}}) {
      const int batch = 1 + static_cast<int>(n % 3);
      for (const bool batch_statistics : {true, false}) {
        cases.push_back({{{s}, batch, ends[n % 9].then}, geometries[n % 3 == 0 ? n / 3 % 3 : n % 3], batch_statistics});
        ++n;
      }
    }
  }
  return cases;
}
