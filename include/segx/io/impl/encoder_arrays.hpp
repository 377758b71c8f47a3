#pragma once

#include <functional>
#include <numeric>
#include <string_view>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/io/encoder_arrays.hpp>

namespace segx::detail {

/// A convolution's weights from [R,S,C,K], or depthwise from [R,S,C] and [R,S,C,1], to [K,C,R,S].
inline std::vector<float> from_channels_last(std::span<const float> values, const std::vector<std::int64_t>& to) {
  const std::int64_t out = to[0];
  const std::int64_t in = to.size() > 1 ? to[1] : 1;
  const std::int64_t taps = to.size() > 3 ? to[2] * to[3] : 1;
  std::vector<float> turned(values.size());
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    for (std::int64_t c = 0; c < in; ++c) {
      for (std::int64_t k = 0; k < out; ++k) {
        turned[static_cast<std::size_t>((k * in + c) * taps + tap)] =
            values[static_cast<std::size_t>((tap * in + c) * out + k)];
      }
    }
  }
  return turned;
}

/// [K,3,R,S] to [K,1,R,S]: a gray image in place of three equal channels gives the same sums.
inline std::vector<float> folded_to_gray(std::span<const float> values, std::int64_t out, std::int64_t taps) {
  std::vector<float> gray(static_cast<std::size_t>(out * taps));
  for (std::int64_t k = 0; k < out; ++k) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t c = 0; c < 3; ++c) {
        gray[static_cast<std::size_t>(k * taps + tap)] += values[static_cast<std::size_t>((k * 3 + c) * taps + tap)];
      }
    }
  }
  return gray;
}

inline std::int64_t count_of(std::span<const std::int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies{});
}

SEGX_IMPL_COLD std::vector<float> encoder_array::values_of(const tensor_entry& entry, bool channels_last) const {
  std::vector<float> values(static_cast<std::size_t>(count_of(entry.extents)));
  if (const std::string wrong = to_float32(entry, values); !wrong.empty()) { fail(wrong); }
  std::vector<std::int64_t> expected = of.extents;
  if (is_gray && count_of(entry.extents) == 3 * count_of(expected)) { expected[1] = 3; }
  const auto matrix = expected.size() == 4 && expected[2] * expected[3] == 1  // a layer on one pixel: [K,C]
                          ? std::vector<std::int64_t>(expected.begin(), expected.begin() + 2)
                          : expected;
  const bool fits = channels_last ? count_of(entry.extents) == count_of(expected)
                                  : entry.extents == expected || entry.extents == matrix;
  if (!fits) {
    fail({"tensor \"", entry.name, "\": expected the extents ", extents_text(expected), " (for ", name, "), found ",
          extents_text(entry.extents)});
  }
  if (channels_last && expected.size() > 1) { values = from_channels_last(values, expected); }
  if (expected != of.extents) { values = folded_to_gray(values, expected[0], expected[2] * expected[3]); }
  return values;
}

}  // namespace segx::detail
