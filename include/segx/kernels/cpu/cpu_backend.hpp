#pragma once

#include <segx/core/layout.hpp>
#include <segx/kernels/cpu/thread_pool.hpp>
#include <segx/kernels/reference.hpp>

namespace segx {

/// Channels of one pixel that stand side by side in memory: one vector of AVX2, two of SSE, NEON and WebAssembly. It is
/// the same on every machine, so that a plan of memory is, too.
inline constexpr int channel_block = 8;

/// The CPU: Highway SIMD on activations blocked by channel, and threads. What is not replaced here runs as plain loops.
struct cpu : plain_loops<float, layout{.block = channel_block}> {
  explicit cpu(int thread_count = 1) : threads{thread_count} {}

  thread_pool threads;
};

}  // namespace segx
