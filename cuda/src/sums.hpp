#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "elements.hpp"

#include <segx/core/error.hpp>

/// Sums over pixels, for each channel, by two kernels. What is added to what, and when, follows from the extents and
/// from V, which alignment decides: equal input in equal places gives equal bits.
///
///   1. A block has a chunk of a segment's pixels and some channels: rows × lanes threads, each with V channels side by
///      side, which it reads at once, and with every rows-th pixel. Neighbours thus read what lies side by side. A
///      thread asks for some pixels before it adds the first of them, for memory answers late; it adds up runs of 16
///      pixels in float32, where sixteen roundings do no harm, and adds each run to sums in double. Then the rows of
///      the block are added up, half by half.
///   2. The same once more with chunks in place of pixels, all of it in double; then `finish` takes the sums.
///
/// A term is what is added up: term.of<V>(segment, channel) gives, once for a thread, a function of a pixel of the
/// segment that adds to sums[Count][V], those of `channel` and of the V − 1 behind it. It is called once for every
/// pixel and channel, by one thread: a term may change what it reads there.
namespace segx::gpu {

/// How a sum is shared out among blocks and threads.
struct sum_geometry {
  int lanes = 1;  // vectors of V channels of a block
  int rows = threads_of_block;
  int blocks_of_channels = 1;
  int chunks = 1;  // of a segment
  int segments = 1;
  int second_lanes = 1;  // sums of a block of the second kernel
  int second_rows = threads_of_block;

  constexpr std::int64_t blocks() const { return std::int64_t{segments} * chunks * blocks_of_channels; }
};

/// Enough blocks to fill a GPU, and no more than there is memory for: `capacity` doubles for `counts` sums of each
/// channel. Channels are read `v` at a time.
constexpr sum_geometry plan_sums(std::int64_t segments, std::int64_t pixels, int channels, int v, int counts,
                                 std::int64_t capacity) {
  constexpr int most_lanes = 32;
  constexpr std::int64_t enough_blocks = 1024;
  constexpr std::int64_t least_pixels = 8;    // of a thread
  constexpr int least_chunks = 8;             // of a thread of the second kernel
  constexpr int least_lanes_of_a_sector = 4;  // doubles that memory brings at once
  const int vectors = channels / v;
  sum_geometry g;
  g.segments = static_cast<int>(segments);
  g.blocks_of_channels = (vectors + most_lanes - 1) / most_lanes;
  g.lanes = (vectors + g.blocks_of_channels - 1) / g.blocks_of_channels;
  g.rows = threads_of_block / g.lanes;
  std::int64_t chunks = std::min(enough_blocks / (segments * g.blocks_of_channels), pixels / (g.rows * least_pixels));
  chunks = std::min(chunks, capacity / (segments * channels * counts));
  g.chunks = static_cast<int>(std::max<std::int64_t>(1, chunks));
  g.second_rows = 1;
  while (g.second_rows < threads_of_block / least_lanes_of_a_sector && g.second_rows * least_chunks < g.chunks) {
    g.second_rows *= 2;
  }
  g.second_lanes = threads_of_block / g.second_rows;
  return g;
}

/// What the threads of a block have: Count doubles each.
template <int Count>
struct sums_of_threads {
  double of[Count][threads_of_block];

  constexpr void set(int thread, const double (&sums)[Count]) {
    for (int k = 0; k < Count; ++k) { of[k][thread] = sums[k]; }
  }
  constexpr void add(int thread, int other) {
    for (int k = 0; k < Count; ++k) { of[k][thread] += of[k][other]; }
  }
};

/// The first kernel: partial[segment][chunk][k][c].
template <int Count, int V, class Run, class Term>
struct sum_of_chunk {
  static constexpr std::uint32_t pixels_of_run = 16;
  static constexpr std::uint32_t pixels_at_once = Count > 2 ? 1 : 4;  // terms of many sums read enough for one

  using shared_memory = sums_of_threads<Count * V>;
  static_assert(sizeof(shared_memory) <= 48 * 1024);

  Term term;
  double* partial;
  std::uint32_t pixels;  // of a segment
  int channels;
  int lanes, rows;
  fast_divisor by_lanes, blocks_of_channels, chunks;

  struct share {
    std::uint32_t segment, chunk;
    int channel, row;
  };
  constexpr share share_of(place_in_block at) const {
    const std::uint32_t rest = blocks_of_channels.quotient(at.block);
    const auto block = static_cast<int>(at.block - rest * blocks_of_channels.divisor());
    const std::uint32_t segment = chunks.quotient(rest);
    const auto row = static_cast<int>(by_lanes.quotient(static_cast<std::uint32_t>(at.thread)));
    return {segment, rest - segment * chunks.divisor(), (block * lanes + at.thread - row * lanes) * V, row};
  }

  constexpr void accumulate(place_in_block at, shared_memory& shared) const {
    const share mine = share_of(at);
    double sums[Count * V] = {};
    if (mine.row < rows && mine.channel < channels) {
      const auto add = term.template of<V>(mine.segment, mine.channel);
      const auto step = static_cast<std::uint32_t>(rows);
      const auto begin = static_cast<std::uint32_t>(std::uint64_t{pixels} * mine.chunk / chunks.divisor());
      const auto end = static_cast<std::uint32_t>(std::uint64_t{pixels} * (mine.chunk + 1) / chunks.divisor());
      for (std::uint32_t p = begin + static_cast<std::uint32_t>(mine.row); p < end;) {
        Run run[Count][V] = {};
        for (std::uint32_t n = 0; n < pixels_of_run && p < end; n += pixels_at_once) {
          if (p + (pixels_at_once - 1) * step < end) {
            for (std::uint32_t i = 0; i < pixels_at_once; ++i) { add(p + i * step, run); }
            p += pixels_at_once * step;
          } else {
            for (; p < end; p += step) { add(p, run); }
          }
        }
        for (int k = 0; k < Count; ++k) {
          for (int v = 0; v < V; ++v) { sums[k * V + v] += run[k][v]; }
        }
      }
    }
    shared.set(at.thread, sums);
  }

  constexpr void conclude(place_in_block at, const shared_memory& shared) const {
    const share mine = share_of(at);
    if (at.thread >= lanes || mine.channel >= channels) { return; }
    const std::size_t chunk = std::size_t{mine.segment} * chunks.divisor() + mine.chunk;
    for (int k = 0; k < Count; ++k) {
      double* to = partial + (chunk * Count + static_cast<std::size_t>(k)) * static_cast<std::size_t>(channels) +
                   static_cast<std::size_t>(mine.channel);
      for (int v = 0; v < V; ++v) { to[v] = shared.of[k * V + v][at.thread]; }
    }
  }
};

/// The second: finish(segment, channel, sums).
template <int Count, class Finish>
struct sum_of_chunks {
  using shared_memory = sums_of_threads<Count>;

  Finish finish;
  const double* partial;
  std::uint32_t sums;  // of all segments and channels
  fast_divisor channels;
  int chunks;
  int lanes, rows;
  fast_divisor by_lanes;

  constexpr void accumulate(place_in_block at, shared_memory& shared) const {
    const std::uint32_t row = by_lanes.quotient(static_cast<std::uint32_t>(at.thread));
    const std::uint32_t sum = sum_of(at, row);
    double of_thread[Count] = {};
    if (sum < sums) {
      const std::uint32_t segment = channels.quotient(sum);
      const std::uint32_t channel = sum - segment * channels.divisor();
      for (int chunk = static_cast<int>(row); chunk < chunks; chunk += rows) {
        for (int k = 0; k < Count; ++k) {
          const std::size_t at_k =
              (std::size_t{segment} * static_cast<std::size_t>(chunks) + static_cast<std::size_t>(chunk)) * Count +
              static_cast<std::size_t>(k);
          of_thread[k] += partial[at_k * channels.divisor() + channel];
        }
      }
    }
    shared.set(at.thread, of_thread);
  }

  constexpr void conclude(place_in_block at, const shared_memory& shared) const {
    const std::uint32_t sum = sum_of(at, 0);
    if (at.thread >= lanes || sum >= sums) { return; }
    double all[Count] = {};
    for (int k = 0; k < Count; ++k) { all[k] = shared.of[k][at.thread]; }
    const std::uint32_t segment = channels.quotient(sum);
    finish(segment, static_cast<int>(sum - segment * channels.divisor()), all);
  }

 private:
  constexpr std::uint32_t sum_of(place_in_block at, std::uint32_t row) const {
    return (at.block - row) * by_lanes.divisor() + static_cast<std::uint32_t>(at.thread);
  }
};

/// Sums over the pixels of each of `segments` segments, for each channel. `tensors`: those that the term reads V
/// channels at a time, at most `Most`; none: it takes one channel. `Run`: what runs are added up in, double for numbers
/// whose squares float32 does not hold.
template <int Count, class T, class Run = float, int Most = 16, class Term, class Finish, class... Tensors>
void sum_channels(const queue& on, std::int64_t segments, std::int64_t pixels, int channels, const Term& term,
                  const Finish& finish, const Tensors&... tensors) {
  if (segments * channels * Count > on.sums_capacity) {  // in a rehearsal, too: nothing is being recorded then
    fail({"a sum over channels needs memory for ", segments * channels * Count, " numbers, the session has ",
          on.sums_capacity});
  }
  if (on.rehearses) { return; }
  const auto divisor = [](int by) { return fast_divisor{static_cast<std::uint32_t>(by)}; };
  const auto run = [&](auto v) {
    const sum_geometry g = plan_sums(segments, pixels, channels, v, Count, on.sums_capacity);
    for_each_block(
        on, g.blocks(),
        sum_of_chunk<Count, v, Run, Term>{term, on.sums, static_cast<std::uint32_t>(pixels), channels, g.lanes, g.rows,
                                          divisor(g.lanes), divisor(g.blocks_of_channels), divisor(g.chunks)});
    const std::int64_t sums = segments * channels;
    for_each_block(on, (sums + g.second_lanes - 1) / g.second_lanes,
                   sum_of_chunks<Count, Finish>{finish, on.sums, static_cast<std::uint32_t>(sums), divisor(channels),
                                                g.chunks, g.second_lanes, g.second_rows, divisor(g.second_lanes)});
  };
  if constexpr (sizeof...(Tensors) == 0) {
    run(std::integral_constant<int, 1>{});
  } else {
    with_lanes<T, Most>({tensors...}, run);
  }
}

}  // namespace segx::gpu
