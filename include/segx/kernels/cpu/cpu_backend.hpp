#pragma once

#include <segx/core/layout.hpp>
#include <segx/kernels/cpu/thread_pool.hpp>
#include <segx/kernels/reference.hpp>

namespace segx {

/// Channels of one pixel that stand side by side in memory: one vector of AVX2, two of SSE, NEON and WebAssembly. It is
/// the same on every machine, so that a plan of memory is, too.
inline constexpr int channel_block = 8;

/// How the algorithm of a 3×3 convolution is chosen. Winograd's needs a quarter or a fifth of the multiplications, four
/// or seven times the memory for the weights, and costs a digit.
enum class convolution_policy {
  prefer_speed,   ///< Winograd's wherever it can be: logits within 1e-4 of the exact ones, relative to the largest
  prefer_memory,  ///< … mostly with the smaller weights; where they take more memory than the activations, at the
                  ///< bottom of a U-Net, they are transformed anew for each image: about a tenth slower
  exact           ///< never: within 1e-5
};

/// The CPU: Highway SIMD on activations blocked by channel, and threads. What is not replaced here runs as plain loops.
struct cpu : plain_loops<float, layout{.block = channel_block}> {
  static constexpr convolution_policy choice = convolution_policy::prefer_speed;

  explicit cpu(int thread_count = 1, convolution_policy how = choice) : threads{thread_count}, convolutions{how} {}

  thread_pool threads;
  convolution_policy convolutions;
};

/// The CPU with another choice of algorithms: `session<lung_net::at<256, 256>, cpu_with<convolution_policy::exact>>`.
template <convolution_policy How>
struct cpu_with : cpu {
  explicit cpu_with(int thread_count = 1) : cpu{thread_count, How} {}
};

namespace detail {

template <convolution_policy How>
struct traits_of_backend<cpu_with<How>> {
  using runs_as = cpu;
  static constexpr convolution_policy choice = How;
};

template <class Backend>
struct frugal_form {
  using type = Backend;
};
template <>
struct frugal_form<cpu> {
  using type = cpu_with<convolution_policy::prefer_memory>;
};

}  // namespace detail

/// A backend in the form that takes least memory, for what goes on beside the main work: judging the weights during a
/// training, testing a weight file.
template <class Backend>
using frugal = typename detail::frugal_form<Backend>::type;

}  // namespace segx
