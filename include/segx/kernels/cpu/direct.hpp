#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <segx/kernels/cpu/conv2d_plan.hpp>
#include <segx/kernels/cpu/micro_kernel.hpp>
#include <segx/kernels/cpu/result.hpp>

/// Convolution of any kernel, stride and dilation, without detours: a few neighbouring results times two vectors of
/// channels are held in registers while all taps and input channels pass by. Serves what neither winograd.hpp nor
/// strips.hpp does: images of 1 or 3 channels, most strides, dilation, and transposed convolutions, as one product for
/// all taps where these are apart, by phases where they overlap; their gradients of a stride one tap after the other.
namespace segx::direct {

/// result[k, i·out_step + out_row + u, j·out_step + out_column + v] =
///     Σ_{c,r,s} w[r,s,(u,v,k),c] · in[c, i·in_step + r·dilation − padding, j·in_step + s·dilation − column_padding],
///     u and v in [0, out_taps)
///
/// With out_taps > 1 one pass over the input makes the results of all taps of a transposed convolution: (u,v,k) are the
/// columns of its weights, K filled up to whole panels.
struct geometry {
  int kernel = 1;
  int in_step = 1;
  int dilation = 1;
  int padding = 0;
  int column_padding = 0;
  int out_step = 1;
  int out_row = 0;
  int out_column = 0;
  int out_taps = 1;
};

}  // namespace segx::direct

namespace segx::simd::HWY_NAMESPACE {

/// The i for which i · step + offset lies in [0, extent): from the first to before the end.
inline int first_inside(int offset, int step) { return offset >= 0 ? 0 : (-offset + step - 1) / step; }
inline int end_inside(int offset, int step, int extent) {
  return extent > offset ? (extent - offset - 1) / step + 1 : 0;
}

/// Where channels stand: `group` channels of a pixel side by side.
struct channel_access {
  std::int64_t plane;
  int group;

  explicit channel_access(shape s) : plane{s.plane()}, group{cpu::memory.is_blocked(s) ? channel_block : 1} {}
  std::int64_t offset(int c) const { return c / group * group * plane + c % group; }
};

/// Sums `Pixels` neighbouring results of one pass of columns over the channels of one tap; pixels are `pixel_step`
/// floats apart.
template <int Pixels, int Vectors>
HWY_INLINE void accumulate_tap(const float* in, const channel_access& at, int channels, auto pixel_step,
                               const panels<panel>& weights, int k, column_vec* sum0, column_vec* sum1) {
  const float* w0 = weights.column(k);
  const float* w1 = weights.column(k + (Vectors - 1) * column_lanes);
  for (int first = 0; first < channels; first += at.group, in += at.group * at.plane) {
    accumulate<Pixels, Vectors, false>(in, pixel_step, fixed<1>{}, std::min(at.group, channels - first), w0, w1,
                                       fixed<panel>{}, 0, sum0, sum1);
  }
}

/// The same for a row of the kernel, whose taps are `tap_floats` apart in the weights, where x is plain: its pixels lie
/// side by side, so that these taps make one product.
template <int Pixels, int Vectors>
HWY_INLINE void accumulate_row(const float* in, const channel_access& at, int channels, std::int64_t pixel_step,
                               std::int64_t dilation, int taps, const panels<panel>& weights, std::int64_t tap_floats,
                               int k, column_vec* sum0, column_vec* sum1) {
  for (int c = 0; c < channels; ++c, in += at.plane) {
    const float* w0 = weights.column(k) + c * panel;
    const float* w1 = weights.column(k + (Vectors - 1) * column_lanes) + c * panel;
    accumulate<Pixels, Vectors, false>(in, pixel_step, dilation, taps, w0, w1, tap_floats, 0, sum0, sum1);
  }
}

/// A direct convolution, row by row. Gives every slice of every result to result.store(values, k, image, pixel, where);
/// `where` is null if y is plain.
template <class Result>
class direct_rows {
 public:
  direct_rows(const direct::geometry& g, const view<const float>& x, const float* packed, const view<float>& y,
              const Result& result)
      : g_{g},
        x_{x},
        packed_{packed},
        y_{y},
        result_{result},
        in_at_{x.extent},
        pixel_step_{std::int64_t{g.in_step} * in_at_.group},
        tap_columns_{detail::whole_panels(y.extent.channels)},
        columns_{g.out_taps * g.out_taps * tap_columns_},
        tap_floats_{std::int64_t{columns_} * x.extent.channels},
        row_begin_{first_inside(g.out_row, g.out_step)},
        row_end_{end_along(g.out_row, y.extent.height, x.extent.height)},
        column_begin_{first_inside(g.out_column, g.out_step)},
        column_end_{std::max(column_begin_, end_along(g.out_column, y.extent.width, x.extent.width))} {
    // Columns from which all taps stay inside the image go several at a time, perhaps with one that lacks some.
    const int reach = (g.kernel - 1) * g.dilation;
    const int inner_space = x.extent.width - 1 - reach + g.column_padding;
    inner_begin_ = std::clamp((g.column_padding + g.in_step - 1) / g.in_step, column_begin_, column_end_);
    inner_end_ = std::clamp(inner_space >= 0 ? inner_space / g.in_step + 1 : 0, inner_begin_, column_end_);
  }

  /// The i of results (i, j) whose place lies in y: from the first to before the end.
  int begin() const { return row_begin_; }
  int end() const { return row_end_; }

  /// Results i of image n. Not inlined: one copy, the longest code of all kernels, serves all convolutions.
  HWY_NOINLINE void operator()(int n, int i) const {
    const bool y_blocked = cpu::memory.is_blocked(y_.extent);
    const int stored = y_blocked ? detail::whole_blocks(y_.extent.channels) : y_.extent.channels;
    for_each_pass(g_.out_taps > 1 ? columns_ : stored,
                  [&]<int Vectors>(int k) SEGX_INLINED { row_of_results<Vectors>(n, i, k); });
  }

 private:
  /// A transposed convolution only has as many results as inputs.
  int end_along(int offset, int extent, int in_extent) const {
    const int inside = end_inside(offset, g_.out_step, extent);
    return g_.out_step > 1 ? std::min(inside, in_extent) : inside;
  }
  panels<panel> weights_of(int r, int s) const {
    return {packed_ + (r * g_.kernel + s) * tap_floats_, std::int64_t{panel} * x_.extent.channels};
  }
  /// The channel that a column of weights is for, and the pixel of its result (i, j).
  std::pair<int, std::int64_t> place(int column, int i, int j) const {
    const int tap = column / tap_columns_;
    const std::int64_t row = i * g_.out_step + g_.out_row + tap / g_.out_taps;
    return {column % tap_columns_, row * y_.extent.width + j * g_.out_step + g_.out_column + tap % g_.out_taps};
  }

  template <int Vectors>
  HWY_INLINE void row_of_results(int n, int i, int k) const {
    // Each number of pixels stands here once: its code is long. The first of four may lack taps at the left, if the
    // others have all of theirs. Four take as long as one: where too few are left, some are stored again, as they were.
    const bool first_of_four = in_at_.group > 1 && inner_begin_ == column_begin_ + 1 && inner_end_ >= column_begin_ + 4;
    const int fours_begin = first_of_four ? column_begin_ : inner_begin_;
    const bool repeats = max_rows > 4 && inner_end_ - inner_begin_ >= 4 && result_.may_repeat();
    for (int j = column_begin_; j < column_end_;) {
      const int left = inner_end_ - j;
      if (max_rows > 4 && j >= inner_begin_ && left >= max_rows && !(max_rows == 6 && left == 8)) {
        results<max_rows, Vectors>(n, i, j, k);  // as many as registers hold, but rather twice four than six and two
        j += max_rows;
      } else if (j >= fours_begin && (left >= 4 || (left > 0 && repeats))) {
        j += std::min(left - 4, 0);
        results<4, Vectors>(n, i, j, k);
        j += 4;
      } else {
        results<1, Vectors>(n, i, j++, k);
      }
    }
    for (int half = 0; half < Vectors; ++half) {
      const auto [channel, first_pixel] = place(k + half * column_lanes, i, column_begin_);
      finish_sums(column_tag{}, result_, y_, channel, n, first_pixel, column_end_ - column_begin_, g_.out_step);
    }
  }

  template <int Pixels, int Vectors>
  HWY_INLINE void results(int n, int i, int j, int k) const {
    const direct::geometry& g = g_;
    const int channels = x_.extent.channels;
    column_vec sum0[Pixels];
    column_vec sum1[Pixels];
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p) { sum0[p] = sum1[p] = hn::Zero(column_tag{}); }
    if (Pixels > 1 && g.out_step > 1 && has_vector(column_tag{}, y_, 0)) {  // the results to come
      const auto [channel, pixel] = place(k, i, j + Pixels);
      const float* to = y_.image(n) + channel_offset(y_.extent, channel) + pixel * channel_block;
#pragma GCC unroll 16
      for (int p = 0; p < Pixels; ++p) {
        ask_to_write<1>(column_tag{}, to + std::int64_t{p} * g.out_step * channel_block,
                        y_.extent.plane() * channel_block);
      }
    }
    alignas(64) float totals[2][Pixels][column_lanes];  // of the rows of the kernel that are done
    bool has_totals = false;
    if constexpr (column_lanes == 1) {  // without vectors GCC 12 warns: it does not see that the flag guards them
      std::fill_n(totals[0][0], 2 * Pixels, 0.0F);
    }
    const auto add_totals = [&]() SEGX_INLINED {
#pragma GCC unroll 16
      for (int p = 0; p < Pixels; ++p) {
        sum0[p] = hn::Add(hn::Load(column_tag{}, totals[0][p]), sum0[p]);
        if (Vectors == 2) { sum1[p] = hn::Add(hn::Load(column_tag{}, totals[1][p]), sum1[p]); }
      }
    };
    for (int r = 0; r < g.kernel; ++r) {
      const int h = i * g.in_step - g.padding + r * g.dilation;
      if (h < 0 || h >= x_.extent.height) { continue; }
      if (Pixels > 1 && in_at_.group == 1) {
        const float* from = x_.image(n) + std::int64_t{h} * x_.extent.width + j * g.in_step - g.column_padding;
        accumulate_row<Pixels, Vectors>(from, in_at_, channels, pixel_step_, g.dilation, g.kernel, weights_of(r, 0),
                                        tap_floats_, k, sum0, sum1);
        continue;
      }
      for (int s = 0; s < g.kernel; ++s) {
        const int w = j * g.in_step + s * g.dilation - g.column_padding;
        if (Pixels == 1 && (w < 0 || w >= x_.extent.width)) { continue; }
        const float* from = x_.image(n) + (std::int64_t{h} * x_.extent.width + w) * in_at_.group;
        if (Pixels == 4 && w < 0) {  // a tap that the first result of a row lacks
          accumulate_tap<Pixels == 4 ? 3 : 1, Vectors>(from + pixel_step_, in_at_, channels, pixel_step_,
                                                       weights_of(r, s), k, sum0 + 1, sum1 + 1);
        } else if (Pixels > 1 && pixel_step_ == channel_block) {
          accumulate_tap<Pixels, Vectors>(from, in_at_, channels, fixed<channel_block>{}, weights_of(r, s), k, sum0,
                                          sum1);
        } else {
          accumulate_tap<Pixels, Vectors>(from, in_at_, channels, pixel_step_, weights_of(r, s), k, sum0, sum1);
        }
      }
      if (in_at_.group == 1 || r + 1 == g.kernel) { continue; }
      if (has_totals) { add_totals(); }  // so that long sums keep their digits
      has_totals = true;
#pragma GCC unroll 16
      for (int p = 0; p < Pixels; ++p) {
        hn::Store(sum0[p], column_tag{}, totals[0][p]);
        if (Vectors == 2) { hn::Store(sum1[p], column_tag{}, totals[1][p]); }
        sum0[p] = sum1[p] = hn::Zero(column_tag{});
      }
    }
    if (has_totals) { add_totals(); }
    const auto put = [&](const column_vec* sum, int column) SEGX_INLINED {
      const auto [channel, first_pixel] = place(column, i, j);
      put_sums<Pixels>(column_tag{}, result_, sum, y_, channel, n, first_pixel, g.out_step);
    };
    put(sum0, k);
    if constexpr (Vectors == 2) { put(sum1, k + column_lanes); }
  }

  direct::geometry g_;
  view<const float> x_;
  const float* packed_;
  view<float> y_;
  const Result& result_;
  channel_access in_at_;
  std::int64_t pixel_step_;
  int tap_columns_, columns_;
  std::int64_t tap_floats_;
  int row_begin_, row_end_, column_begin_, column_end_, inner_begin_, inner_end_;
};

template <class Result>
void direct_convolution(thread_pool& threads, const direct::geometry& g, const view<const float>& x,
                        const float* packed, const view<float>& y, const Result& result) {
  const direct_rows<Result> row{g, x, packed, y, result};
  const int rows = row.end() - row.begin();
  if (rows <= 0) { return; }
  threads.run(y.batch * rows, [&](int task, int) { row(task / rows, row.begin() + task % rows); });
}

/// weight(k, c, tap) into packed[tap][⌈K/16⌉][C][16], zeros behind the last k.
template <class Weight>
void direct_pack(int channels_in, int channels_out, int taps, Weight&& weight, float* packed) {
  const int columns = detail::whole_panels(channels_out);
  for (int tap = 0; tap < taps; ++tap) {
    for (int first = 0; first < columns; first += panel) {
      for (int c = 0; c < channels_in; ++c) {
        for (int lane = 0; lane < panel; ++lane) {
          const int k = first + lane;
          *packed++ = k < channels_out ? weight(k, c, tap) : 0;
        }
      }
    }
  }
}

}  // namespace segx::simd::HWY_NAMESPACE
