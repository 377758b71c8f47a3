#pragma once

#include <algorithm>
#include <cstdint>

#include "elements.hpp"

#include <segx/core/error.hpp>

namespace segx::gpu {

/// How the pixels of a sum are shared out: a block sums over a chunk of a segment's pixels, for some channels side by
/// side, and a second kernel adds up the chunks. Always in the same order, so that equal input gives equal bits.
struct sum_geometry {
  int lanes = 1;   // channels of a block: a power of two
  int rows = 256;  // threads of a block that share a channel
  int blocks_of_channels = 1;
  int chunks = 1;  // of a segment
  int segments = 1;

  constexpr std::int64_t blocks() const { return std::int64_t{segments} * chunks * blocks_of_channels; }
};

/// Enough blocks to fill a GPU, and no more than there is memory for: `capacity` doubles for `counts` sums of each
/// channel.
constexpr sum_geometry plan_sums(std::int64_t segments, std::int64_t pixels, int channels, int counts,
                                 std::int64_t capacity) {
  constexpr std::int64_t enough_blocks = 2048;
  constexpr std::int64_t least_pixels = 8;  // of a thread
  sum_geometry g;
  while (g.lanes < 32 && g.lanes < channels) { g.lanes *= 2; }
  g.rows = threads_of_block / g.lanes;
  g.segments = static_cast<int>(segments);
  g.blocks_of_channels = (channels + g.lanes - 1) / g.lanes;
  const std::int64_t of_chunk = segments * channels * counts;
  std::int64_t chunks = std::min(enough_blocks / (segments * g.blocks_of_channels), pixels / (g.rows * least_pixels));
  chunks = std::min(chunks, capacity / of_chunk);
  g.chunks = static_cast<int>(std::max<std::int64_t>(1, chunks));
  return g;
}

/// The first kernel: partial[segment][chunk][k][c]. Term: term(segment, pixel of the segment, channel, sums) adds to
/// its Count sums.
template <int Count, class Term>
struct sum_of_chunk {
  Term term;
  sum_geometry geometry;
  double* partial;
  std::uint32_t pixels;  // of a segment
  int channels;
  fast_divisor blocks_of_channels, chunks;

  struct shared_memory {
    double of[threads_of_block][Count];
  };
  struct share {
    std::uint32_t segment, chunk;
    int channel, row;
  };

  constexpr share share_of(place_in_block at) const {
    const std::uint32_t rest = blocks_of_channels.quotient(at.block);
    const auto block = static_cast<int>(at.block - rest * blocks_of_channels.divisor());
    const std::uint32_t segment = chunks.quotient(rest);
    return {segment, rest - segment * chunks.divisor(), block * geometry.lanes + at.thread % geometry.lanes,
            at.thread / geometry.lanes};
  }

  constexpr void accumulate(place_in_block at, shared_memory& shared) const {
    const share mine = share_of(at);
    double sums[Count] = {};
    if (mine.channel < channels) {
      const auto begin = static_cast<std::uint32_t>(std::uint64_t{pixels} * mine.chunk / chunks.divisor());
      const auto end = static_cast<std::uint32_t>(std::uint64_t{pixels} * (mine.chunk + 1) / chunks.divisor());
      for (std::uint32_t p = begin + static_cast<std::uint32_t>(mine.row); p < end;
           p += static_cast<std::uint32_t>(geometry.rows)) {
        term(mine.segment, p, mine.channel, sums);
      }
    }
    for (int k = 0; k < Count; ++k) { shared.of[at.thread][k] = sums[k]; }
  }

  constexpr void combine(place_in_block at, const shared_memory& shared) const {
    const share mine = share_of(at);
    if (mine.row != 0 || mine.channel >= channels) { return; }
    for (int k = 0; k < Count; ++k) {
      double sum = 0;
      for (int row = 0; row < geometry.rows; ++row) { sum += shared.of[row * geometry.lanes + at.thread][k]; }
      const std::size_t chunk = std::size_t{mine.segment} * chunks.divisor() + mine.chunk;
      partial[(chunk * Count + static_cast<std::size_t>(k)) * static_cast<std::size_t>(channels) +
              static_cast<std::size_t>(mine.channel)] = sum;
    }
  }
};

/// The second: finish(segment, channel, sums).
template <int Count, class Finish>
struct sum_of_chunks {
  Finish finish;
  const double* partial;
  fast_divisor channels;
  int chunks;

  constexpr void operator()(std::uint32_t thread) const {
    const std::uint32_t segment = channels.quotient(thread);
    const std::uint32_t channel = thread - segment * channels.divisor();
    double sums[Count] = {};
    for (int chunk = 0; chunk < chunks; ++chunk) {
      for (int k = 0; k < Count; ++k) {
        const std::size_t at =
            (std::size_t{segment} * static_cast<std::size_t>(chunks) + static_cast<std::size_t>(chunk)) * Count +
            static_cast<std::size_t>(k);
        sums[k] += partial[at * channels.divisor() + channel];
      }
    }
    finish(segment, static_cast<int>(channel), sums);
  }
};

/// Sums over the pixels of each of `segments` segments, for each channel.
template <int Count, class Term, class Finish>
void sum_channels(const queue& on, std::int64_t segments, std::int64_t pixels, int channels, const Term& term,
                  const Finish& finish) {
  if (segments * channels * Count > on.sums_capacity) {  // in a rehearsal, too: nothing is being recorded then
    fail({"a sum over channels needs memory for ", segments * channels * Count, " numbers, the session has ",
          on.sums_capacity});
  }
  if (on.rehearses) { return; }
  const sum_geometry g = plan_sums(segments, pixels, channels, Count, on.sums_capacity);
  const auto chunks = fast_divisor{static_cast<std::uint32_t>(g.chunks)};
  for_each_block(on, g.blocks(),
                 sum_of_chunk<Count, Term>{term, g, on.sums, static_cast<std::uint32_t>(pixels), channels,
                                           fast_divisor{static_cast<std::uint32_t>(g.blocks_of_channels)}, chunks});
  for_each(on, segments * channels,
           sum_of_chunks<Count, Finish>{finish, on.sums, fast_divisor{static_cast<std::uint32_t>(channels)}, g.chunks});
}

}  // namespace segx::gpu
