// What the processor can do at most: multiplications and additions of float vectors in registers, alone.
//   peak THREADS     prints {"gflops": …}
// In a browser web/peak.js calls the two functions that the program exports there.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <segx/kernels/cpu/micro_kernel.hpp>

namespace {

namespace hn = hwy::HWY_NAMESPACE;
constexpr int sums = 12;  // enough to hide the latency of an addition
constexpr int steps = 1'000'000;

/// Operations of one call of work.
constexpr double operations() {
  return 2.0 * sums * steps * static_cast<double>(hn::MaxLanes(hn::ScalableTag<float>{}));
}

/// A number that depends on every operation, so that none is left out. From a start other than 0, sums go towards 1000
/// times it; from 0 they would fade into subnormal numbers, with which many processors are slow.
float work(float start) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F);
  const auto term = hn::Set(d, start);
  decltype(hn::Zero(d)) sum[sums];
#pragma GCC unroll 12
  for (int i = 0; i < sums; ++i) { sum[i] = hn::Set(d, static_cast<float>(i)); }
  for (int step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < sums; ++i) { sum[i] = hn::MulAdd(sum[i], factor, term); }
  }
#pragma GCC unroll 12
  for (int i = 1; i < sums; ++i) { sum[0] = hn::Add(sum[0], sum[i]); }
  return hn::GetLane(sum[0]);
}

}  // namespace

#if HWY_ARCH_WASM

extern "C" {
__attribute__((export_name("work"))) float exported_work(float start) { return work(start); }
__attribute__((export_name("operations"))) double exported_operations() { return operations(); }
}

#else

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  segx::thread_pool pool{threads};
  double best = 0;
  std::atomic<float> seen = 0;
  for (int round = 0; round < 20; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    pool.run(threads, [&](int index, int) { seen = work(1 + static_cast<float>(index) * 1e-3F); });
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    best = std::max(best, 1e-9 * threads * operations() / time.count());
  }
  std::printf("{\"gflops\": %.1f}\n", best);
}

#endif
