#pragma once

#include <cstdint>
#include <cstring>

#include <segx/kernels/cpu/max_pool2d.hpp>
#include <segx/kernels/cpu/simd.hpp>

/// Layers that meet each element alone: y = then(x), y = then(a + b), and dy · then′ for the epilogue `then`
/// (activation and dropout) of any layer.
///
/// There is nothing to block for: each is one sweep over what it writes, in the order of memory. A task is a band of
/// rows of one image. Dropout draws by an element's place in [N,C,H,W], or by its image, which neither blocks nor
/// tasks change.
namespace segx::simd::HWY_NAMESPACE {

/// Calls body(offset, index) for every slice of a blocked tensor: where it stands in image n, and the place of its
/// first lane in [N,C,H,W].
template <class Body>
void for_each_slice(thread_pool& threads, int batch, shape s, Body&& body) {
  for_each_row(threads, batch, s, row_tasks::bands, [&](int n, int block, int i) {
    const std::int64_t row = std::int64_t{i} * s.width;
    for (int j = 0; j < s.width; ++j) {
      for (int slice = 0; slice < channel_block; slice += lanes) {
        const std::int64_t channel = block * channel_block + slice;
        const auto index = static_cast<std::uint32_t>((std::int64_t{n} * s.channels + channel) * s.plane() + row + j);
        body(n, (block * s.plane() + row + j) * channel_block + slice, index);
      }
    }
  });
}

[[gnu::noinline]] inline void pointwise_forward(cpu& on, const forward_pass<float>& f) {
  const shape s = f.y.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::pointwise_forward<float, cpu::memory>(on, f); }
  const vector_epilogue then{f.then, f.seed, s.plane()};
  const bool whole = f.then.whole_image;
  for_each_slice(on.threads, f.y.batch, s, [&](int n, std::int64_t at, std::uint32_t index) {
    const std::uint32_t drawn = whole ? static_cast<std::uint32_t>(n) : index;
    store(then(load(f.x[0].image(n) + at), drawn), f.y.image(n) + at);
  });
}

[[gnu::noinline]] inline void epilogue_backward(cpu& on, const epilogue& then, view<const float> known, view<float> dy,
                                                std::uint32_t seed) {
  const shape s = dy.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::epilogue_backward<float, cpu::memory>(on, then, known, dy, seed); }
  const vector_epilogue vector_then{then, seed, s.plane()};
  for_each_slice(on.threads, dy.batch, s, [&](int n, std::int64_t at, std::uint32_t index) {
    float* to = dy.image(n) + at;
    const std::uint32_t drawn = then.whole_image ? static_cast<std::uint32_t>(n) : index;
    store(vector_then.backward(load(known.image(n) + at), load(to), drawn), to);
  });
}

[[gnu::noinline]] inline void add_forward(cpu& on, const forward_pass<float>& f) {
  const shape s = f.y.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::add_forward<float, cpu::memory>(on, f); }
  const vector_epilogue then{f.then, f.seed, s.plane()};
  for_each_slice(on.threads, f.y.batch, s, [&](int n, std::int64_t at, std::uint32_t index) {
    const vec sum = hn::Add(load(f.x[0].image(n) + at), load(f.x[1].image(n) + at));
    store(then(sum, index), f.y.image(n) + at);
  });
}

[[gnu::noinline]] inline void add_backward(cpu& on, const backward_pass<float>& b) {
  const shape s = b.dy.extent;
  if (!cpu::memory.is_blocked(s)) { return segx::add_backward<float, cpu::memory>(on, b); }
  for (int k = 0; k < 2; ++k) {
    const view<float> dx = b.dx[k];
    if (!dx) { continue; }
    for_each_slice(on.threads, b.dy.batch, s, [&](int n, std::int64_t at, std::uint32_t) {
      const vec dy = load(b.dy.image(n) + at);
      float* to = dx.image(n) + at;
      put_gradient(b.adds[k], dy, to);
    });
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
