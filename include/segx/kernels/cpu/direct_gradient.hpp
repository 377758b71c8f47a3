#pragma once

#include <algorithm>
#include <cstdint>

#include <segx/kernels/cpu/direct.hpp>

/// The weight gradient of convolutions, transposed ones too, wherever it is not Winograd's:
///
///   dw[m,c,r,s] += Σ_{n,i,j} small[n,m,i,j] · large[n, c, i·stride + r·dilation − padding, j·stride + …]
///
/// `small` is dy and `large` x; of a transposed convolution `small` is x and `large` dy.
///
/// Blocking: a task is one tap, four or eight channels of one tensor and two vectors of channels of the other. Their
/// sums stay in registers while the pixels of all images pass by, and belong to no other task: they are the same for
/// any number of threads, and need no memory. In return tensors are read again for every tap. Two plain tensors have
/// few channels: there a task is a tap and a pair of them.
namespace segx::simd::HWY_NAMESPACE {

/// Pixel (i, j) of a loop is pixel (i·step + row, j·step + column) of a tensor.
struct pixel_map {
  int step = 1;
  int row = 0;
  int column = 0;
};

/// The product of two tensors over images and pixels, for one tap: Σ_{n,i,j} a[n, first_row + m, a_map(i,j)] ·
/// b[n, first_column + column, b_map(i,j)] for `Rows` channels of a, which stand in one block, and `Vectors` vectors of
/// channels of b, over the (i, j) of `pixels` at which both are inside their images. Calls
/// store_sum(channel of a, channel of b, sum) for those that there are.
template <int Rows, int Vectors, class Store>
void correlate(const view<const float>& a, const pixel_map& a_map, int first_row, const view<const float>& b,
               const pixel_map& b_map, int first_column, shape pixels, Store&& store_sum) {
  const column_tag d;
  const channel_access a_at{a.extent};
  const channel_access b_at{b.extent};
  const int i0 = std::max(first_inside(a_map.row, a_map.step), first_inside(b_map.row, b_map.step));
  const int j0 = std::max(first_inside(a_map.column, a_map.step), first_inside(b_map.column, b_map.step));
  const int i1 = std::min({pixels.height, end_inside(a_map.row, a_map.step, a.extent.height),
                           end_inside(b_map.row, b_map.step, b.extent.height)});
  const int j1 = std::min({pixels.width, end_inside(a_map.column, a_map.step, a.extent.width),
                           end_inside(b_map.column, b_map.step, b.extent.width)});
  const std::int64_t a_step = std::int64_t{a_map.step} * a_at.group;
  const std::int64_t b_step = std::int64_t{b_map.step} * b_at.group;
  // Rows and vectors behind the last channel repeat others.
  const int last_row = a.extent.channels - 1;
  const int last_block = (b.extent.channels - 1) / channel_block * channel_block;
  const auto block_distance = [&](int column) {
    return column + channel_block <= last_block ? b.extent.plane() * channel_block : 0;
  };
  const int columns[2] = {first_column, Vectors == 2 ? first_column + column_lanes : first_column};
  const std::int64_t distances[2] = {block_distance(columns[0]), block_distance(columns[1])};

  column_vec total[Vectors][Rows];
  for (int v = 0; v < Vectors; ++v) {
    for (int m = 0; m < Rows; ++m) { total[v][m] = hn::Zero(d); }
  }
  for (int n = 0; n < a.batch; ++n) {
    const float* a_rows[Rows];
    for (int m = 0; m < Rows; ++m) { a_rows[m] = a.image(n) + a_at.offset(std::min(first_row + m, last_row)); }
    const float* b_left = b.image(n) + b_at.offset(columns[0]);
    const float* b_right = b.image(n) + b_at.offset(columns[1]);
    for (int i = i0; i < i1; ++i) {
      const std::int64_t a_pixel =
          std::int64_t{i * a_map.step + a_map.row} * a.extent.width + j0 * a_map.step + a_map.column;
      const std::int64_t b_pixel =
          std::int64_t{i * b_map.step + b_map.row} * b.extent.width + j0 * b_map.step + b_map.column;
      column_vec sum[Vectors][Rows];  // of one row of pixels, so that long sums keep their digits
#pragma GCC unroll 8
      for (int m = 0; m < Rows; ++m) {
        sum[0][m] = hn::Zero(d);
        if (Vectors == 2) { sum[Vectors - 1][m] = hn::Zero(d); }
      }
      for (int j = 0; j < j1 - j0; ++j) {
        const column_vec left = load_pixel(d, b_left + b_pixel * b_at.group + j * b_step, distances[0]);
        const column_vec right =
            Vectors == 2 ? load_pixel(d, b_right + b_pixel * b_at.group + j * b_step, distances[1]) : left;
#pragma GCC unroll 8
        for (int m = 0; m < Rows; ++m) {
          const column_vec value = hn::Set(d, a_rows[m][a_pixel * a_at.group + j * a_step]);
          sum[0][m] = hn::MulAdd(value, left, sum[0][m]);
          if (Vectors == 2) { sum[Vectors - 1][m] = hn::MulAdd(value, right, sum[Vectors - 1][m]); }
        }
      }
#pragma GCC unroll 8
      for (int m = 0; m < Rows; ++m) {
        total[0][m] = hn::Add(total[0][m], sum[0][m]);
        if (Vectors == 2) { total[Vectors - 1][m] = hn::Add(total[Vectors - 1][m], sum[Vectors - 1][m]); }
      }
    }
  }
  for (int m = 0; m < std::min(Rows, a.extent.channels - first_row); ++m) {
    for (int v = 0; v < Vectors; ++v) {
      float values[column_lanes];
      hn::StoreU(total[v][m], d, values);
      for (int lane = 0; lane < std::min(column_lanes, b.extent.channels - columns[v]); ++lane) {
        store_sum(first_row + m, columns[v] + lane, values[lane]);
      }
    }
  }
}

/// What each tap of a convolution's weights is paired with: pixel (i, j) of `small` meets pixel
/// (i·stride + r·dilation − padding, …) of `large`. dweight[small channel][large channel][tap] += Σ small · large.
struct weight_gradient {
  const conv2d_geometry& geometry;
  const view<const float>& small;
  const view<const float>& large;
  float* dweight;

  int taps() const { return geometry.kernel * geometry.kernel; }
  pixel_map large_map(int tap) const {
    return {geometry.stride, tap / geometry.kernel * geometry.dilation - geometry.padding,
            tap % geometry.kernel * geometry.dilation - geometry.padding};
  }
  void add(int of_small, int of_large, int tap, float sum) const {
    dweight[(of_small * large.extent.channels + of_large) * taps() + tap] += sum;
  }
};

/// One of the tensors, whose channels make the vectors, must be blocked; `small` if both are.
inline void add_blocked(thread_pool& threads, const weight_gradient& g) {
  const bool vectors_are_small = cpu::memory.is_blocked(g.small.extent);
  const view<const float>& a = vectors_are_small ? g.large : g.small;
  const view<const float>& b = vectors_are_small ? g.small : g.large;
  const int row_tasks = (a.extent.channels + gradient_rows - 1) / gradient_rows;
  const int column_tasks = (b.extent.channels + pass_columns - 1) / pass_columns;
  threads.run(g.taps() * row_tasks * column_tasks, [&](int task, int) {
    const int tap = task % g.taps();
    const int row = task / g.taps() % row_tasks * gradient_rows;
    const int column = task / g.taps() / row_tasks * pass_columns;
    const pixel_map large = g.large_map(tap);
    const pixel_map a_map = vectors_are_small ? large : pixel_map{};
    const pixel_map b_map = vectors_are_small ? pixel_map{} : large;
    const auto add_sum = [&](int i, int j, float sum) {
      vectors_are_small ? g.add(j, i, tap, sum) : g.add(i, j, tap, sum);
    };
    const auto add = [&]<int Rows>() {
      if (column + column_lanes < b.extent.channels) {
        correlate<Rows, 2>(a, a_map, row, b, b_map, column, g.small.extent, add_sum);
      } else {
        correlate<Rows, 1>(a, a_map, row, b, b_map, column, g.small.extent, add_sum);
      }
    };
    if (a.extent.channels - row == 1) {
      add.template operator()<1>();
    } else {
      add.template operator()<gradient_rows>();
    }
  });
}

/// The same for two plain tensors, which have few channels.
inline void add_plain(thread_pool& threads, const weight_gradient& g) {
  const int pairs = g.small.extent.channels * g.large.extent.channels;
  threads.run(g.taps() * pairs, [&](int task, int) {
    const int tap = task / pairs;
    const int c = task % pairs / g.large.extent.channels;
    const int k = task % g.large.extent.channels;
    const pixel_map at = g.large_map(tap);
    const int j0 = first_inside(at.column, at.step);
    const int j1 = std::min(g.small.extent.width, end_inside(at.column, at.step, g.large.extent.width));
    const int i1 = std::min(g.small.extent.height, end_inside(at.row, at.step, g.large.extent.height));
    double total = 0;
    for (int n = 0; n < g.small.batch; ++n) {
      const float* a = g.small.image(n) + c * g.small.extent.plane();
      const float* b = g.large.image(n) + k * g.large.extent.plane();
      for (int i = first_inside(at.row, at.step); i < i1; ++i) {
        const float* a_row = a + std::int64_t{i} * g.small.extent.width;
        const float* b_row = b + (std::int64_t{i} * at.step + at.row) * g.large.extent.width + at.column;
        float sum[4] = {};
        int j = j0;
        for (; j + 4 <= j1; j += 4) {
          for (int lane = 0; lane < 4; ++lane) { sum[lane] += a_row[j + lane] * b_row[(j + lane) * at.step]; }
        }
        for (; j < j1; ++j) { sum[0] += a_row[j] * b_row[j * at.step]; }
        total += (sum[0] + sum[1]) + (sum[2] + sum[3]);
      }
    }
    g.add(c, k, tap, static_cast<float>(total));
  });
}

[[gnu::noinline]] inline void add_weight_gradient(thread_pool& threads, const weight_gradient& g) {
  if (cpu::memory.is_blocked(g.small.extent) || cpu::memory.is_blocked(g.large.extent)) {
    add_blocked(threads, g);
  } else {
    add_plain(threads, g);
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
