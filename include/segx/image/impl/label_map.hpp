#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/impl.hpp>
#include <segx/image/encoded_image.hpp>
#include <segx/image/label_map.hpp>
#include <segx/image/plane.hpp>

namespace segx {

SEGX_IMPL_COLD std::string_view text_of(label_kind kind) {
  return std::array<std::string_view, 3>{"binary", "exclusive", "overlapping"}[static_cast<std::size_t>(kind)];
}

SEGX_IMPL_COLD cv::Mat mask_of_class(const cv::Mat& labels, label_kind kind, int k) {
  if (kind == label_kind::binary) { return labels; }
  cv::Mat mask(labels.size(), CV_8UC1);
  for (int i = 0; i < labels.rows; ++i) {
    const auto* from = labels.ptr<std::uint8_t>(i);
    auto* to = mask.ptr<std::uint8_t>(i);
    if (kind == label_kind::exclusive) {
      for (int j = 0; j < labels.cols; ++j) { to[j] = from[j] == k ? 1 : 0; }
    } else {
      for (int j = 0; j < labels.cols; ++j) { to[j] = static_cast<std::uint8_t>(from[j] >> k & 1); }
    }
  }
  return mask;
}

SEGX_IMPL void copy_to_masks(const cv::Mat& labels, label_kind kind, xt::xtensor<float, 4>& batch, std::size_t n) {
  for (std::size_t k = 0; k < batch.shape(1); ++k) {
    copy_to_plane(mask_of_class(labels, kind, static_cast<int>(k)), batch, n, k);
  }
}

namespace detail {

inline bool has_palette(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t colour_type = 25, palette = 3;  // in the header, the first chunk
  return is_png(bytes) && bytes[colour_type] == palette;
}

/// The indices of a PNG with a palette, of which OpenCV gives the colours; `bgr` as decoded.
inline cv::Mat palette_indices(std::span<const std::uint8_t> png, const cv::Mat& bgr,
                               const std::filesystem::path& file) {
  const std::size_t chunk = png_chunk(png, "PLTE");
  const std::size_t entries = chunk == 0 ? 0 : (std::size_t{png[chunk + 2]} << 8 | png[chunk + 3]) / 3;
  std::map<std::array<std::uint8_t, 3>, std::uint8_t> index_of;  // of several equal colours the first
  for (std::size_t k = 0; k < entries; ++k) {
    const std::uint8_t* rgb = &png[chunk + 8 + 3 * k];
    index_of.emplace(std::array{rgb[2], rgb[1], rgb[0]}, static_cast<std::uint8_t>(k));
  }
  cv::Mat indices(bgr.size(), CV_8UC1);
  for (int i = 0; i < bgr.rows; ++i) {
    for (int j = 0; j < bgr.cols; ++j) {
      const auto* pixel = bgr.ptr<std::uint8_t>(i) + static_cast<std::ptrdiff_t>(j) * bgr.channels();
      const auto found = index_of.find({pixel[0], pixel[1], pixel[2]});
      if (found == index_of.end()) { fail({file.string(), ": has pixels that are not in its palette"}); }
      indices.at<std::uint8_t>(i, j) = found->second;
    }
  }
  return indices;
}

}  // namespace detail

SEGX_IMPL_COLD cv::Mat read_label_map(const std::filesystem::path& file, int classes) {
  const std::vector<std::uint8_t> bytes = detail::read_bytes(file);
  cv::Mat stored = detail::decode(bytes, file);
  const bool has_palette = detail::has_palette(bytes);
  stored = has_palette ? detail::palette_indices(bytes, stored, file) : detail::only_channel(stored, file);
  if (const int bits = detail::is_png(bytes) ? bytes[24] : 8; bits < 8 && !has_palette) {
    const int step = 255 / ((1 << bits) - 1);  // OpenCV spreads gray of 1, 2 and 4 bits over all of a byte
    stored /= step;
  }
  const std::vector<int> values = detail::distinct_values(stored);
  if (values.back() >= classes) {
    fail({file.string(), ": holds the values ", detail::first_few(values), ", but labels of ", classes,
          " classes must lie between 0 and ", classes - 1});
  }
  cv::Mat labels;
  stored.convertTo(labels, CV_8U);
  return labels;
}

}  // namespace segx
