#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/winograd.hpp>

/// The weight gradient by Winograd's F(4×4, 3×3), the transposed map of its forward pass. It knows tiles of 4×4 alone,
/// whatever the forward pass takes: sums for pairs of channels are fewer.
///
///   dw = Gᵀ [ Σ_tiles (Bᵀ x B) ⊙ (A dy Aᵀ) ] G   is 36 products [C × tiles] · [tiles × K].
///
/// Sums over tiles stay in the transformed domain, so Gᵀ and G come once for each pair of channels. Blocking: where all
/// sums fit into the second-level cache, tasks share the tiles and add what they found one after the other; elsewhere
/// they share the channels.
namespace segx::simd::HWY_NAMESPACE {

using gradient_tiles = transformed<wino::gradient_filter>;
inline constexpr int gradient_frequencies = wino::frequencies(wino::gradient_filter);

/// of_channel[j] += the pixels of channel j of dy, in `tiles` transformed tiles: A dy Aᵀ at the points (1, 1) is their
/// sum in a tile.
inline void add_pixel_sums(const gradient_tiles& dy, int tiles, int channels, double* of_channel) {
  for (int j = 0; j < channels; j += lanes) {
    const float* from = dy.at(j, 0) + dy.row_distance + panel;
    vec sum = zero();
    for (int t = 0; t < tiles; ++t, from += dy.tile_distance) { sum = hn::Add(sum, load(from)); }
    float values[lanes];
    store(sum, values);
    for (int lane = 0; lane < lanes; ++lane) { of_channel[j + lane] += values[lane]; }
  }
}

/// sums[36][rows × columns] += Σ over tiles [first, last) of (Bᵀ x B) ⊙ (A dy Aᵀ), for `rows` channels of x from c on
/// and `columns` channels of dy from k on; pixel_sums, if wanted, as add_pixel_sums says.
[[gnu::noinline]] inline void add_frequency_products(const view<const float>& x, int padding,
                                                     const view<const float>& dy, const tile_grid& grid, int first,
                                                     int last, int c, int k, const wino::gradient_blocking& blocks,
                                                     float* v, float* g, float* sums, double* pixel_sums) {
  const int rows = std::min(blocks.rows, wino::rounded(x.extent.channels, channel_block) - c);
  const int columns = std::min(blocks.columns, wino::rounded(dy.extent.channels, channel_block) - k);
  const int padded_columns = wino::rounded(columns, panel);
  const gradient_tiles inputs{v, blocks.tiles, rows};
  const gradient_tiles gradients{g, blocks.tiles, padded_columns};
  if (columns < padded_columns) { std::fill(g, gradients.end(), 0.0F); }
  for (; first < last; first += blocks.tiles) {
    const int end = std::min(first + blocks.tiles, last);
    transform_inputs(x, padding, grid, first, end, c, c + rows, inputs);
    transform_tiles<wino::gradient_filter, wino::gradient_filter.tile>(output_transform_transposed{}, dy, 0, grid,
                                                                       first, end, k, k + columns, gradients);
    if (pixel_sums != nullptr) { add_pixel_sums(gradients, end - first, columns, pixel_sums); }
    for (int f = 0; f < gradient_frequencies; ++f) {
      matrix_product<gradient_rows>(
          channels_by_pixels<gradient_tiles::tile_distance>{inputs.frequency(f), inputs.panel_distance}, rows,
          end - first, panels<gradient_tiles::tile_distance>{gradients.frequency(f), gradients.panel_distance},
          padded_columns, result_panels{sums + f * blocks.sums(), blocks.columns, panel}, true);
    }
  }
}

/// dweight += Gᵀ sums G for channel c of x and the `columns` channels of dy from k on; `sums` points to [36][columns].
[[gnu::noinline]] inline void add_weight_tile(const float* sums, std::int64_t frequency_distance, int c,
                                              int channels_in, int k, int columns, float* dweight) {
  for (int j = 0; j < columns; j += lanes) {
    const tag d;
    alignas(64) float taps[9][lanes];
    transform_square<wino::window(wino::gradient_filter), 3>(
        d, weight_transform_transposed{},
        [&](int r, int s) SEGX_INLINED {
          return load(sums + (r * wino::window(wino::gradient_filter) + s) * frequency_distance + j);
        },
        [&](vec value, int r, int s) SEGX_INLINED { store(value, taps[r * 3 + s]); });
    for (int lane = 0; lane < std::min(lanes, columns - j); ++lane) {
      float* to = dweight + ((k + j + lane) * std::int64_t{channels_in} + c) * 9;
      for (int tap = 0; tap < 9; ++tap) { to[tap] += taps[tap][lane]; }
    }
  }
}

/// dweight[K,C,3,3] += gradient, and dbias[K], if wanted.
inline void winograd_weight_gradient(thread_pool& threads, const view<const float>& x, int padding,
                                     const view<const float>& dy, float* dweight, float* dbias,
                                     scratch_memory<float> scratch) {
  const tile_grid grid{wino::gradient_filter, dy.extent, dy.batch};
  const int channels_in = x.extent.channels;
  const int channels_out = dy.extent.channels;
  const wino::gradient_blocking blocks{channels_in, channels_out};
  const int column_tasks = (channels_out + blocks.columns - 1) / blocks.columns;
  const int row_tasks = (channels_in + blocks.rows - 1) / blocks.rows;
  const int parts = blocks.parts(grid.count(), row_tasks * column_tasks);
  turnstile in_order;

  threads.run_in_order(row_tasks * column_tasks * parts, [&](int task, int thread) {
    const int part = task % parts;
    const int c0 = task / parts / column_tasks * blocks.rows;
    const int k0 = task / parts % column_tasks * blocks.columns;
    float* sums = scratch.of(thread);
    float* v = sums + gradient_frequencies * blocks.sums();
    float* g = v + blocks.inputs();
    std::fill(sums, v, 0.0F);
    double pixel_sums[wino::gradient_blocking::most_columns] = {};
    const bool wants_bias = dbias != nullptr && c0 == 0;
    add_frequency_products(x, padding, dy, grid, static_cast<int>(std::int64_t{grid.count()} * part / parts),
                           static_cast<int>(std::int64_t{grid.count()} * (part + 1) / parts), c0, k0, blocks, v, g,
                           sums, wants_bias ? pixel_sums : nullptr);
    const int columns = std::min(blocks.columns, channels_out - k0);
    const auto add_to_weights = [&] {
      for (int c = c0; c < std::min(c0 + blocks.rows, channels_in); ++c) {
        add_weight_tile(sums + (c - c0) * blocks.columns, blocks.sums(), c, channels_in, k0, columns, dweight);
      }
      for (int k = 0; k < columns && wants_bias; ++k) { dbias[k0 + k] += static_cast<float>(pixel_sums[k]); }
    };
    if (parts == 1) { return add_to_weights(); }
    in_order.pass(part, add_to_weights);
  });
}

}  // namespace segx::simd::HWY_NAMESPACE
