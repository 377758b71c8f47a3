#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <segx/core/impl.hpp>
#include <segx/image/resample.hpp>

namespace segx {

namespace detail {

/// For each output pixel along one axis, the run of `count` input pixels that it is a weighted mean of. A run that
/// needs fewer pixels has weights of zero.
struct axis_taps {
  int count = 0;
  std::vector<int> first;      // [out] input pixel with which the run begins
  std::vector<float> weights;  // [out, count], the sum over count is 1
};

/// An output pixel covers input [i·in/out, (i+1)·in/out): each input pixel weighs what is covered of it. All positions
/// are kept in units of 1/out input pixel, which makes them exact integers.
inline axis_taps area_taps(std::int64_t in, std::int64_t out) {
  const std::int64_t count = std::min(in, in % out == 0 ? in / out : in / out + 2);
  axis_taps taps{static_cast<int>(count), {}, {}};
  for (std::int64_t i = 0; i < out; ++i) {
    const std::int64_t begin = i * in;
    const std::int64_t end = begin + in;
    const std::int64_t first = std::min(begin / out, in - count);
    taps.first.push_back(static_cast<int>(first));
    for (std::int64_t s = first; s < first + count; ++s) {
      const std::int64_t covered = std::max<std::int64_t>(0, std::min(end, (s + 1) * out) - std::max(begin, s * out));
      taps.weights.push_back(static_cast<float>(static_cast<double>(covered) / static_cast<double>(in)));
    }
  }
  return taps;
}

/// The centre of output pixel i lies at input position (i + 1/2)·in/out − 1/2, here in units of 1/(2·out).
inline axis_taps linear_taps(std::int64_t in, std::int64_t out) {
  const std::int64_t count = std::min<std::int64_t>(in, 2);
  axis_taps taps{static_cast<int>(count), {}, {}};
  for (std::int64_t i = 0; i < out; ++i) {
    const std::int64_t position = std::clamp<std::int64_t>((2 * i + 1) * in - out, 0, 2 * out * (in - 1));
    const std::int64_t first = std::min(position / (2 * out), in - count);
    const double beyond = static_cast<double>(position - first * 2 * out) / static_cast<double>(2 * out);
    taps.first.push_back(static_cast<int>(first));
    taps.weights.push_back(static_cast<float>(1 - beyond));
    if (count == 2) { taps.weights.push_back(static_cast<float>(beyond)); }
  }
  return taps;
}

inline axis_taps taps_of_axis(int in, int out) { return out <= in ? area_taps(in, out) : linear_taps(in, out); }

/// y[j] = Σ_s weights[j, s] · x[first[j] + s]. Count is a constant where that pays, 0 where it is taps.count.
template <int Count>
inline void mix_along_row(const axis_taps& taps, const float* x, std::span<float> y) {
  const int count = Count > 0 ? Count : taps.count;
  const float* weight = taps.weights.data();
  for (std::size_t j = 0; j < y.size(); ++j, weight += count) {
    const float* from = x + taps.first[j];
    float sum = 0;
    for (int s = 0; s < count; ++s) { sum += weight[s] * from[s]; }
    y[j] = sum;
  }
}

}  // namespace detail

SEGX_IMPL void resize(std::span<const float> in, int in_height, int in_width, std::span<float> out, int out_height,
                      int out_width) {
  assert(in_height > 0 && in_width > 0 && out_height > 0 && out_width > 0);
  assert(in.size() == static_cast<std::size_t>(in_height) * in_width);
  assert(out.size() == static_cast<std::size_t>(out_height) * out_width);

  const detail::axis_taps rows = detail::taps_of_axis(in_height, out_height);
  const detail::axis_taps columns = detail::taps_of_axis(in_width, out_width);
  std::vector<float> row(in_width);  // one output row at the input's width: long sums run along it, in order of memory
  for (int i = 0; i < out_height; ++i) {
    const float* x = in.data() + static_cast<std::size_t>(rows.first[i]) * in_width;
    for (int r = 0; r < rows.count; ++r, x += in_width) {
      const float weight = rows.weights[static_cast<std::size_t>(i) * rows.count + r];
      if (r == 0) {
        for (int j = 0; j < in_width; ++j) { row[j] = weight * x[j]; }
      } else if (weight != 0) {
        for (int j = 0; j < in_width; ++j) { row[j] += weight * x[j]; }
      }
    }
    const std::span<float> y = out.subspan(static_cast<std::size_t>(i) * out_width, out_width);
    if (columns.count == 2) {
      detail::mix_along_row<2>(columns, row.data(), y);
    } else {
      detail::mix_along_row<0>(columns, row.data(), y);
    }
  }
}

}  // namespace segx
