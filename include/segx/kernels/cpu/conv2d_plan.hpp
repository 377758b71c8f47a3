#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include <segx/kernels/cpu/cpu_backend.hpp>
#include <segx/kernels/pool2d.hpp>

/// What is known about a convolution on the CPU when it is compiled: its algorithm, its blocking and its memory, the
/// same for every instruction set and every machine: caches are not asked for, but assumed.

namespace segx::detail {

/// Second-level cache of a core that blockings are made for; each names the share of it that it takes.
inline constexpr int l2_bytes = 1024 * 1024;
inline constexpr int float_bytes = 4;

/// Columns of a panel of packed weights.
inline constexpr int panel_width = 16;

/// Rows of the longest pass of a product, which is AVX-512's (micro_kernel.hpp).
inline constexpr int longest_pass = 12;

constexpr int rounded(int value, int to) { return (value + to - 1) / to * to; }
constexpr int whole_blocks(int channels) { return rounded(channels, channel_block); }
constexpr int whole_panels(int channels) { return rounded(channels, panel_width); }

}  // namespace segx::detail

namespace segx::direct {

/// Floats of the packed weights [taps][⌈K/16⌉][C][16].
constexpr std::int64_t packed_floats(int channels_in, int channels_out, int taps) {
  return std::int64_t{taps} * channels_in * detail::whole_panels(channels_out);
}

}  // namespace segx::direct

namespace segx::winograd {

using detail::rounded;

/// Minimal filtering F(tile×tile, 3×3) of every stride-th pixel: of stride 1 there are tiles of 4 and 6, of stride 2
/// tiles of 2.
struct filter {
  int tile;  // results along a tile's edge
  int stride = 1;

  constexpr bool operator==(const filter&) const = default;
};

constexpr int step(filter f) { return f.tile * f.stride; }              // inputs from one tile to the next
constexpr int window(filter f) { return (f.tile - 1) * f.stride + 3; }  // inputs along a tile's edge, and frequencies
constexpr int frequencies(filter f) { return window(f) * window(f); }
/// Transformed weights along an edge. Of stride 2, every other input meets the middle tap alone: all of these
/// frequencies, the last ones, have the same weights.
constexpr int weights_along(filter f) { return f.tile + 2; }
/// The weights of a frequency: which of weights_along² they are.
constexpr int weights_of(filter f, int frequency) {
  const int row = std::min(frequency / window(f), weights_along(f) - 1);
  return row * weights_along(f) + std::min(frequency % window(f), weights_along(f) - 1);
}
/// Places for a row of frequencies in memory: one more than eight, so that tiles do not meet in one cache set; one more
/// than five, as many as six have, so that both share the code of their products.
constexpr int places(filter f) { return window(f) == 8 || window(f) == 5 ? window(f) + 1 : window(f); }
constexpr int tiles_along(filter f, int extent) { return (extent + f.tile - 1) / f.tile; }
constexpr int tiles_of(filter f, shape y) { return tiles_along(f, y.height) * tiles_along(f, y.width); }
/// Floats of a tile's transformed values of one channel.
constexpr int transformed_floats(filter f) { return window(f) * places(f); }

/// Floats of the transformed weights [weights_along²][⌈K/16⌉][C][16]; C in whole blocks, as the lanes behind it are
/// read.
constexpr std::int64_t weight_floats(filter f, int channels_in, int channels_out) {
  return std::int64_t{weights_along(f)} * weights_along(f) * detail::whole_blocks(channels_in) *
         detail::whole_panels(channels_out);
}

/// With so few tiles in an image, of either size, or with such weights, reading the weights may cost more than the
/// products do. As measured: 256 to 128 channels, 4.7 MB at tiles of 4, are not large yet.
inline constexpr int few_tiles = 96;
inline constexpr std::int64_t large_weights = 5 * detail::l2_bytes / detail::float_bytes;

/// The filter of stride 1 for results y of x: tiles of 6 where half as many of 64 frequencies replace those of 36, and
/// weights, nearly twice as large, cost little time and, where memory is to be saved, little beside the activations.
constexpr filter filter_for(shape x, shape y, convolution_policy policy) {
  const bool saves_products = 2 * tiles_of({6}, y) <= tiles_of({4}, y);
  const bool reads_little = tiles_of({6}, y) > few_tiles && weight_floats({4}, x.channels, y.channels) <= large_weights;
  const bool takes_little = policy == convolution_policy::prefer_speed ||
                            4 * weight_floats({6}, x.channels, y.channels) <= x.size() + y.size();
  return {saves_products && reads_little && takes_little ? 6 : 4};
}
/// The filter of stride 2, and the channels of x from which on its transforms cost less than it saves, as measured.
inline constexpr filter strided{.tile = 2, .stride = 2};
inline constexpr int least_strided_channels = 24;
inline constexpr filter gradient_filter{4};

/// True where weights are kept as they are, [⌈K/16⌉][C][9][16], and transformed anew for each image: where transformed
/// they would take more memory than the activations do, and memory is to be saved.
constexpr bool keeps_taps(filter f, shape x, shape y, convolution_policy policy) {
  return policy == convolution_policy::prefer_memory && weight_floats(f, x.channels, y.channels) > x.size() + y.size();
}

/// Tiles whose transformed values of `channels` channels take at most so many bytes; a multiple of the rows of a
/// product on most machines.
constexpr int tiles_within(int bytes, filter f, int channels, int least, int most) {
  constexpr int multiple = detail::longest_pass;
  const int tile_bytes = transformed_floats(f) * detail::float_bytes * channels;
  return std::clamp(bytes / tile_bytes / multiple * multiple, least, most);
}

/// How a convolution is divided into tasks. In most layers a task takes some tiles all the way, few enough that their
/// transformed values stay in the second-level cache. Deep in a network there are few tiles and large weights, and
/// reading these, or transforming them, costs the most: a group of tiles, an image or more, is transformed as a whole,
/// and tasks share the channels of its result.
struct blocking {
  /// Of a task's tiles, before and after the products; weights pass through the rest of the cache.
  static constexpr int transformed_bytes = detail::l2_bytes / 8 * 3;
  static constexpr int least_group = 48;     // tiles that large weights are read for, at least
  static constexpr int shared_columns = 64;  // of a task that shares channels, at most
  static constexpr int least_tiles = 24;     // of other tasks
  static constexpr int most_tiles = 48;
  /// Of weights that a task transforms: so many channels of x and y at a time, which stay in the second-level cache. A
  /// line more than there are, so that frequencies do not meet in one set of the first.
  static constexpr int taps_depth = 64;
  static constexpr int taps_columns = 2 * detail::panel_width;
  static constexpr int taps_distance = taps_depth * taps_columns + detail::panel_width;

  filter of;
  int depth;  // channels of x
  int width;  // and y, in whole panels
  bool keeps_taps;
  bool shares_channels;
  int tiles;    // of a task, or of a group
  int columns;  // output channels of a task

  constexpr blocking(filter f, shape x, shape y, convolution_policy policy)
      : of{f},
        depth{detail::whole_panels(x.channels)},
        width{detail::whole_panels(y.channels)},
        keeps_taps{winograd::keeps_taps(f, x, y, policy)} {
    const int image = rounded(tiles_of(f, y), 4);
    shares_channels = keeps_taps || (image <= few_tiles && weight_floats(f, x.channels, y.channels) > large_weights);
    columns = shares_channels ? std::min(width, shared_columns) : width;
    tiles = shares_channels ? std::clamp(image, least_group, few_tiles)
                            : tiles_within(transformed_bytes, f, depth + width, least_tiles, most_tiles);
  }
  constexpr blocking(shape x, shape y, convolution_policy policy) : blocking{filter_for(x, y, policy), x, y, policy} {}

  constexpr std::int64_t scratch() const {
    const std::int64_t weights = keeps_taps ? std::int64_t{weights_along(of)} * weights_along(of) * taps_distance : 0;
    return std::int64_t{transformed_floats(of)} * tiles * (depth + columns) + weights;
  }
};

/// Floats of the packed weights from x to y.
constexpr std::int64_t packed_floats(const blocking& blocks, shape x, shape y) {
  return blocks.keeps_taps ? direct::packed_floats(detail::whole_blocks(x.channels), y.channels, 9)
                           : weight_floats(blocks.of, x.channels, y.channels);
}

/// How the weight gradient is divided into tasks. Where all of it fits into the second-level cache, tasks share the
/// tiles, and add what they found one after the other; where it does not, there are few tiles, and tasks share its
/// channels, or two the tiles if those are one task.
struct gradient_blocking {
  /// Pairs of channels whose sums stay in the cache.
  static constexpr int pairs_in_cache = 64 * 64;
  /// Of a step's tiles, transformed values of x and dy, until the products have read them.
  static constexpr int transformed_bytes = detail::l2_bytes / 4;
  static_assert(frequencies(gradient_filter) * detail::float_bytes * pairs_in_cache + transformed_bytes <=
                detail::l2_bytes);
  static constexpr int most_columns = pairs_in_cache / channel_block;
  static constexpr int shared_rows = 64;  // of a task that shares channels, at most
  static constexpr int shared_columns = 128;
  static constexpr int least_tiles = 24;  // of a step
  static constexpr int most_tiles = 96;
  static constexpr int least_steps = 5;    // of a task that shares tiles: adding its sums costs as well
  static constexpr int most_parts = 16;    // as they are added one after the other
  static constexpr int spare_floats = 16;  // a cache line

  bool shares_tiles;
  int rows;     // input channels of a task
  int columns;  // output channels of a task
  int tiles;    // of a step

  constexpr gradient_blocking(int channels_in, int channels_out)
      : shares_tiles{detail::whole_blocks(channels_in) * detail::whole_panels(channels_out) <= pairs_in_cache},
        rows{shares_tiles ? detail::whole_blocks(channels_in)
                          : std::min(detail::whole_blocks(channels_in), shared_rows)},
        columns{shares_tiles ? detail::whole_panels(channels_out)
                             : std::min(detail::whole_panels(channels_out), shared_columns)},
        tiles{tiles_within(transformed_bytes, gradient_filter, rows + columns, least_tiles, most_tiles)} {}

  /// Tasks that share this many tiles, where channels make `channel_tasks`: a number that threads share evenly.
  constexpr int parts(int tile_count, int channel_tasks) const {
    const int wanted = shares_tiles ? most_parts : channel_tasks == 1 ? 2 : 1;
    const int parts = std::clamp(tile_count / (least_steps * tiles), 1, wanted);
    return parts >= 4 ? parts / 4 * 4 : parts == 3 ? 2 : parts;
  }

  constexpr std::int64_t inputs() const {
    return std::int64_t{transformed_floats(gradient_filter)} * tiles * detail::whole_panels(rows);
  }
  constexpr std::int64_t gradients() const {
    return std::int64_t{transformed_floats(gradient_filter)} * tiles * columns;
  }
  /// Floats of a frequency; a line more than there are, so that frequencies do not meet in one cache set.
  constexpr std::int64_t sums() const { return std::int64_t{rows} * columns + spare_floats; }
  constexpr std::int64_t scratch() const { return inputs() + gradients() + frequencies(gradient_filter) * sums(); }
};

}  // namespace segx::winograd

namespace segx::strips {

/// Pixels are taken in strips of as many as a product has rows, which divides this on every machine: 12, 8, 6 or 4.
inline constexpr int whole_strips = 24;
constexpr int rounded(int pixels) { return detail::rounded(pixels, whole_strips); }

/// Floats of the strips of some pixels, whole blocks of channels.
constexpr std::int64_t floats(int channels, int pixels) {
  return std::int64_t{rounded(pixels)} * detail::whole_blocks(channels);
}

/// Strips of a band of rows; `least_band` rows may take more.
inline constexpr int band_bytes = detail::l2_bytes / 16 * 9;
inline constexpr int least_band = 16;
/// Strips of a task of a 1×1 convolution; the rest of the cache is for results, and for weights that pass through.
inline constexpr int task_bytes = detail::l2_bytes / 32 * 3;

/// Rows of x that a task takes where a depthwise convolution reads the result row by row: the more, the fewer rows are
/// computed twice; the strips need not stay in the second-level cache, as they are read in order.
constexpr int rows_of_band(shape x) {
  const std::int64_t row_bytes = std::int64_t{detail::float_bytes} * x.channels * x.width;
  return std::min(x.height, std::max(static_cast<int>(band_bytes / row_bytes), least_band));
}

/// Pixels of a task of a 1×1 convolution, whose channels stay in the second-level cache.
constexpr int pixels_of_task(int channels) {
  return rounded(std::max(task_bytes / (detail::float_bytes * channels), whole_strips));
}

/// Pixels of a task of two 1×1 convolutions, one of which reads what the other makes of x: results of the first stay in
/// the cache, and their strips take no more than those of a band.
constexpr int pixels_streamed(shape x, int channels) {
  return std::min(pixels_of_task(channels), rows_of_band(x) * x.width);
}
/// Floats of these results.
constexpr std::int64_t floats_streamed(int channels) {
  return std::int64_t{pixels_of_task(channels)} * detail::whole_blocks(channels);
}

}  // namespace segx::strips

namespace segx::depthwise {

/// The rows of x that a depthwise convolution reads for a row of results, in a ring, with zeros at both sides; so many
/// channels that a pass of the product which may compute them has its place (expanded_depthwise.hpp).
struct ring {
  int rows;
  int width;                                                // pixels of a row
  static constexpr int channels = 2 * detail::panel_width;  // AVX-512's pass

  /// Behind the rows that are read stands what a pass of the product that ended the last of them began: a row, and more
  /// where rows are shorter than a pass.
  constexpr ring(const conv2d_geometry& g, shape x, shape y)
      : rows{g.reach() + 1 + detail::longest_pass / x.width},
        width{std::max(g.padding + x.width, (y.width - 1) * g.stride + g.reach())} {}
  constexpr std::int64_t floats() const { return std::int64_t{rows} * width * channels; }
};

/// The farthest reach of a kernel that takes its input row by row: two bands both compute the rows between them, about
/// as many as a kernel reaches, and bands may have no more than strips::least_band.
inline constexpr int most_reach_streamed = 8;

}  // namespace segx::depthwise

namespace segx {

namespace detail {

enum class convolution_algorithm { plain, direct, depthwise, dot, strips, winograd, strided_winograd };

/// The algorithm for a convolution from x to y: a constant wherever the shapes are.
constexpr convolution_algorithm algorithm_for(const conv2d_geometry& g, shape x, shape y, convolution_policy policy) {
  const bool x_blocked = cpu::memory.is_blocked(x);
  const bool y_blocked = cpu::memory.is_blocked(y);
  if (g.groups != 1) {
    const bool is_depthwise = g.groups == x.channels && g.groups == y.channels && x_blocked;
    return is_depthwise ? convolution_algorithm::depthwise : convolution_algorithm::plain;
  }
  if (g.kernel == 3 && g.stride == 1 && g.dilation == 1 && g.padding <= 2 && g.end_padding == 0 && x_blocked &&
      y_blocked) {
    return policy == convolution_policy::exact ? convolution_algorithm::direct : convolution_algorithm::winograd;
  }
  if (g.kernel == 3 && g.stride == 2 && g.dilation == 1 && x.channels >= winograd::least_strided_channels &&
      x_blocked && y_blocked && policy != convolution_policy::exact) {
    return convolution_algorithm::strided_winograd;  // forward; backward it is direct
  }
  const bool takes_pixels = g.kernel == 1 && g.stride == 1 && g.padding + g.end_padding == 0 && x_blocked;
  if (!takes_pixels) { return convolution_algorithm::direct; }
  return y_blocked ? convolution_algorithm::strips : convolution_algorithm::dot;
}

/// The convolution that makes the gradient of x from that of y, if strides are 1; taps turned by 180°.
constexpr conv2d_geometry turned(const conv2d_geometry& g) {
  return {.kernel = g.kernel, .padding = g.reach() - 1 - g.padding, .dilation = g.dilation, .groups = g.groups};
}

/// True for transposed convolutions as in U-Nets.
constexpr bool taps_are_apart(const conv2d_geometry& g) { return g.kernel == g.stride && g.padding == 0; }

/// True for transposed convolutions as in LinkNet, which enlarge by the stride, each result being a sum over as many
/// taps: the results of one phase (their row and column modulo the stride) are an ordinary convolution of x. Those that
/// are neither run forward as plain loops.
constexpr bool has_phases(const conv2d_geometry& g) {
  return g.kernel % g.stride == 0 && 2 * g.padding == g.kernel - g.stride && g.dilation == 1;
}

/// Packed convolutions begin with the bias, filled up with zeros to whole panels.
constexpr std::int64_t packed_bias_floats(int channels_out) { return whole_panels(channels_out); }

}  // namespace detail

template <backend B>
  requires std::derived_from<B, cpu>
constexpr workspace conv2d_workspace(std::type_identity<B>, const conv2d_geometry& g, shape x, shape y,
                                     choices<B> how) {
  const int c = x.channels;
  const int k = y.channels;
  const std::int64_t bias = detail::packed_bias_floats(k);
  switch (detail::algorithm_for(g, x, y, how)) {
    case detail::convolution_algorithm::plain:
      return {};
    case detail::convolution_algorithm::direct:
      return {.packed = bias + direct::packed_floats(c, k, g.kernel * g.kernel),
              .packed_backward = direct::packed_floats(k, c, g.kernel * g.kernel),
              .takes_addend = cpu::memory.is_blocked(y),
              .gates = g.stride == 1};
    case detail::convolution_algorithm::depthwise: {
      const std::int64_t weights = std::int64_t{g.kernel} * g.kernel * detail::whole_panels(c);
      const std::int64_t rows = depthwise::ring{g, x, y}.floats();
      const std::int64_t turned = g.stride == 1 ? depthwise::ring{detail::turned(g), y, x}.floats() : 0;
      return {.packed = bias + weights,
              .packed_backward = weights,
              .scratch = rows,
              .scratch_backward = turned,
              .takes = g.reach() <= depthwise::most_reach_streamed ? stream::pixels : stream::none};
    }
    case detail::convolution_algorithm::dot:
      return {.packed = bias + std::int64_t{k} * detail::whole_blocks(c),
              .packed_backward = direct::packed_floats(k, c, 1),
              .scratch = strips::floats_streamed(c),
              .takes = stream::pixels,
              .gates = true};
    case detail::convolution_algorithm::strips:
      return {.packed = bias + direct::packed_floats(c, k, 1),
              .packed_backward = direct::packed_floats(k, c, 1),
              .scratch = strips::floats(c, strips::pixels_of_task(c)),
              .gives = stream::pixels,
              .scratch_streamed = strips::floats(c, strips::rows_of_band(x) * x.width),
              .takes = stream::scaled,
              .takes_addend = true,
              .gates = true};
    case detail::convolution_algorithm::winograd: {
      const winograd::blocking forward{x, y, how};
      const winograd::blocking backward{y, x, how};
      return {.packed = bias + winograd::packed_floats(forward, x, y),
              .packed_backward = winograd::packed_floats(backward, y, x),
              .scratch = forward.scratch(),
              .scratch_backward = std::max(backward.scratch(), winograd::gradient_blocking{c, k}.scratch()),
              .takes_addend = true,
              .gates = true};
    }
    case detail::convolution_algorithm::strided_winograd: {
      const winograd::blocking blocks{winograd::strided, x, y, how};
      return {.packed = bias + winograd::packed_floats(blocks, x, y),
              .packed_backward = direct::packed_floats(k, c, g.kernel * g.kernel),
              .scratch = blocks.scratch(),
              .takes_addend = true};
    }
  }
  return {};
}

template <backend B>
  requires std::derived_from<B, cpu>
constexpr workspace channel_scale_workspace(std::type_identity<B>, shape x) {
  return {.gives = cpu::memory.is_blocked(x) ? stream::scaled : stream::none};
}

template <backend B>
  requires std::derived_from<B, cpu>
constexpr workspace conv_transpose2d_workspace(std::type_identity<B>, const conv2d_geometry& g, shape x, shape y) {
  const int taps = g.kernel * g.kernel;
  const std::int64_t forward =
      detail::packed_bias_floats(y.channels) + direct::packed_floats(x.channels, y.channels, taps);
  return {.packed = detail::taps_are_apart(g) || detail::has_phases(g) ? forward : 0,
          .packed_backward = direct::packed_floats(y.channels, x.channels, taps),
          .gates = true};
}

template <backend B>
  requires std::derived_from<B, cpu>
constexpr workspace max_pool2d_workspace(std::type_identity<B>, const pool2d_geometry& g, shape x) {
  return {.gates = g.is_tiling() && cpu::memory.is_blocked(x)};
}

}  // namespace segx
