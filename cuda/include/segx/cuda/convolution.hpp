#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include <segx/core/shape.hpp>
#include <segx/cuda/kernels.hpp>
#include <segx/kernels/conv2d.hpp>
#include <segx/kernels/precision.hpp>

namespace segx::gpu {

/// A convolution of a batch, from x to y. Weights lie as [K,R,R,C/groups], numbers as the queue stores them.
struct convolution {
  conv2d_geometry geometry;
  int batch = 0;
  shape x, y;

  constexpr tensor x_at(const void* data) const { return packed(const_cast<void*>(data), x); }
  constexpr tensor y_at(const void* data) const { return packed(const_cast<void*>(data), y); }

 private:
  constexpr tensor packed(void* data, shape s) const { return {data, batch, s, s.channels}; }
};

/// What cuDNN is not asked for: see cuda/src/direct.cu.
constexpr bool runs_direct(const conv2d_geometry& g) { return g.groups > 1 || g.end_padding > 0; }

/// Each channel is convolved with one kernel of its own. Weights lie as [R,R,C] then, not as [K,R,R,C/groups].
constexpr bool is_depthwise(const conv2d_geometry& g, int from, int to) {
  return g.groups > 1 && g.groups == from && g.groups == to;
}

/// An algorithm that was tried.
struct candidate {
  int algorithm = 0;
  int mathematics = 0;
  bool works = false;
  double seconds = 0;
  std::int64_t workspace = 0;  // bytes
  bool is_deterministic = false;
  bool rounds_factors = false;  // TF32 or less
};

/// What an algorithm must be.
struct demands {
  std::int64_t workspace = 0;
  bool deterministic = true;
  bool exact = false;  // float32 throughout
};

/// Those that meet the demands, the fastest first; equally fast ones, and those that nobody measured, in their order.
inline std::vector<candidate> suitable(std::span<const candidate> tried, const demands& d) {
  std::vector<candidate> all;
  std::copy_if(tried.begin(), tried.end(), std::back_inserter(all), [&](const candidate& c) {
    return c.works && c.workspace <= d.workspace && (c.is_deterministic || !d.deterministic) &&
           !(c.rounds_factors && d.exact);
  });
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.seconds < b.seconds; });
  return all;
}

/// Bytes that the algorithms of convolutions may have between them, as they run one after the other. Some bring their
/// operands into another order first: `operands` are the bytes of the largest convolution's input and result.
constexpr std::int64_t convolution_workspace(std::int64_t operands = 0) {
  return std::clamp(operands, std::int64_t{256} << 20U, std::int64_t{2} << 30U);
}

/// cuDNN, with an algorithm for each shape, chosen once. Where cuDNN has none that meets the demands, the direct
/// kernels run instead.
class convolutions {
 public:
  convolutions(stream& in, precision numbers, bool deterministic);
  ~convolutions();

  /// Memory of the GPU that all algorithms work in.
  void work_in(void* memory, std::int64_t bytes);

  /// y (+)= w ∗ x
  void forward(const queue& on, const convolution& c, const void* x, const void* w, void* y, bool adds);
  /// y = relu(w ∗ x + bias), all as stored; false if cuDNN does not do that in one pass: nothing is done then.
  bool forward_relu(const queue& on, const convolution& c, const void* x, const void* w, const void* bias, void* y);
  /// dx (+)= the gradient with respect to x
  void gradient_of_data(const queue& on, const convolution& c, const void* dy, const void* w, void* dx, bool adds);
  /// dw = the gradient with respect to w, as stored
  void gradient_of_weights(const queue& on, const convolution& c, const void* x, const void* dy, void* dw);

  /// For how many of those that were asked for the direct kernels run, as no algorithm of cuDNN's meets the demands:
  /// they are slow.
  int without_algorithm() const;

 private:
  struct implementation;
  std::unique_ptr<implementation> self_;
};

}  // namespace segx::gpu
