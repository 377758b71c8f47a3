#pragma once

#include <cstdint>
#include <utility>

#include <segx/cuda/kernels.hpp>

#ifndef __CUDACC__
#include <emulation/run.hpp>
#endif

/// How the bodies of kernels run: on the GPU, or in loops of the host. A body is an ordinary object whose functions are
/// constexpr, which is all that makes them run on both.
namespace segx::gpu {

inline constexpr int threads_of_block = 256;

/// Where a thread of a block stands.
struct place_in_block {
  std::uint32_t block;
  int thread;
};

/// How the threads of a block add up what they have, a row of `lanes` threads to a row: half of the rows is added to
/// the other half, until there is one. Calls add(threads, distance) for each half: thread t takes what thread
/// t + distance has, for all t < threads.
template <class Add>
constexpr void fold_rows(int lanes, int rows, Add&& add) {
  while (rows > 1) {
    const int left = (rows + 1) / 2;
    add((rows - left) * lanes, left * lanes);
    rows = left;
  }
}

/// Throws if a launch failed; here so that no header needs CUDA's.
void expect_launched(const char* file, unsigned line);

#ifdef __CUDACC__

template <class Body>
__global__ void __launch_bounds__(threads_of_block) run_each(const Body body, std::uint32_t count) {
  const std::uint32_t i = blockIdx.x * threads_of_block + threadIdx.x;
  if (i < count) { body(i); }
}

template <class Body>
__global__ void __launch_bounds__(threads_of_block) run_blocks(const Body body) {
  __shared__ typename Body::shared_memory shared;
  const place_in_block at{blockIdx.x, static_cast<int>(threadIdx.x)};
  body.accumulate(at, shared);
  fold_rows(body.lanes, body.rows, [&](int threads, int distance) {
    __syncthreads();
    if (at.thread < threads) { shared.add(at.thread, at.thread + distance); }
  });
  __syncthreads();
  body.conclude(at, shared);
}

#endif

/// body(i) for i in [0, count), in any order.
template <class Body>
void for_each(const queue& on, std::int64_t count, const Body& body, const char* file = __builtin_FILE(),
              unsigned line = __builtin_LINE()) {
  if (count <= 0 || on.rehearses) { return; }
#ifdef __CUDACC__
  const auto threads = static_cast<std::uint32_t>(count);
  const std::uint32_t blocks = (threads + threads_of_block - 1) / threads_of_block;
  run_each<<<blocks, threads_of_block, 0, static_cast<cudaStream_t>(on.in->handle())>>>(body, threads);
  expect_launched(file, line);
#else
  static_cast<void>(file), static_cast<void>(line);
  emulation::submit(*on.in, [body, count] { emulation::run_each(body, static_cast<std::uint32_t>(count)); });
#endif
}

/// For each block: body.accumulate(place, shared) by all threads; shared.add(thread, other), as fold_rows says, until
/// threads 0 to lanes − 1 have it all; then body.conclude(place, shared) by all threads.
template <class Body>
void for_each_block(const queue& on, std::int64_t blocks, const Body& body, const char* file = __builtin_FILE(),
                    unsigned line = __builtin_LINE()) {
  if (blocks <= 0 || on.rehearses) { return; }
#ifdef __CUDACC__
  run_blocks<<<static_cast<std::uint32_t>(blocks), threads_of_block, 0, static_cast<cudaStream_t>(on.in->handle())>>>(
      body);
  expect_launched(file, line);
#else
  static_cast<void>(file), static_cast<void>(line);
  emulation::submit(*on.in, [body, blocks] {
    emulation::run_blocks<threads_of_block, place_in_block>(
        body, static_cast<std::uint32_t>(blocks), [&body](auto&& add) { fold_rows(body.lanes, body.rows, add); });
  });
#endif
}

}  // namespace segx::gpu
