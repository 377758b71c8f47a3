#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <segx/cuda/driver.hpp>

/// A GPU that is none: work is done by the host when it waits for it, or kept where a stream is being recorded.
namespace segx::gpu::emulation {

using work = std::function<void()>;

void submit(stream& in, work what);

/// Counts launches. Threads run in rising or falling order in turn: a kernel whose threads depend on one another gives
/// another result then.
bool next_runs_backwards();

template <class Body>
void run_each(const Body& body, std::uint32_t count) {
  const bool backwards = next_runs_backwards();
  for (std::uint32_t i = 0; i < count; ++i) { body(backwards ? count - 1 - i : i); }
}

/// fold(add): calls add(threads, distance), see segx::gpu::fold_rows.
template <int Threads, class Place, class Body, class Fold>
void run_blocks(const Body& body, std::uint32_t blocks, const Fold& fold) {
  const bool backwards = next_runs_backwards();
  const auto each_of = [backwards](int threads, auto&& f) {
    for (int t = 0; t < threads; ++t) { f(backwards ? threads - 1 - t : t); }
  };
  const auto shared = std::make_unique<typename Body::shared_memory>();
  for (std::uint32_t b = 0; b < blocks; ++b) {
    const std::uint32_t block = backwards ? blocks - 1 - b : b;
    each_of(Threads, [&](int t) { body.accumulate(Place{block, t}, *shared); });
    fold([&](int threads, int distance) { each_of(threads, [&](int t) { shared->add(t, t + distance); }); });
    each_of(Threads, [&](int t) { body.conclude(Place{block, t}, *shared); });
  }
}

}  // namespace segx::gpu::emulation
