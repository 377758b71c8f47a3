#pragma once

#include <array>
#include <string>
#include <vector>

#include <segx/kernels/conv2d.hpp>

#include "cases/agreement.hpp"

/// A convolution whose options are values, so that a table of cases needs no template for each.
struct conv2d_case {
  segx::conv2d_geometry geometry;
  int out_channels = 1;
  segx::shape x;
  int batch = 1;
  segx::epilogue then{};

  bool fits() const {
    const int zeros = 2 * geometry.padding + geometry.end_padding;
    return x.height + zeros >= geometry.reach() && x.width + zeros >= geometry.reach();
  }
  /// Forward and backward may use Winograd's algorithm.
  bool may_use_winograd() const {
    return geometry.kernel == 3 && geometry.stride == 1 && geometry.dilation == 1 && geometry.groups == 1;
  }

  std::string text() const {
    return "kernel " + std::to_string(geometry.kernel) + " stride " + std::to_string(geometry.stride) + " padding " +
           std::to_string(geometry.padding) + " and " + std::to_string(geometry.end_padding) + " dilation " +
           std::to_string(geometry.dilation) + " groups " + std::to_string(geometry.groups) + ", " +
           std::to_string(batch) + " of " + segx::text_of(x) + " -> " + std::to_string(out_channels) + text_of(then);
  }

  segx::shape output_shape(segx::shape s) const {
    return {out_channels, geometry.output_extent(s.height), geometry.output_extent(s.width)};
  }
  auto parameters(segx::shape s) const {
    return std::array{
        segx::parameter{"weight", {out_channels, s.channels / geometry.groups, geometry.kernel, geometry.kernel}},
        segx::parameter{"bias", {out_channels}}};
  }
  template <segx::backend B>
  segx::workspace needs(segx::shape s) const {
    return conv2d_workspace(std::type_identity<B>{}, geometry, s, output_shape(s), segx::choice_of<B>);
  }
  template <class B>
  void pack(B& on, const segx::packing<typename B::scalar>& p) const requires requires {
    conv2d_pack(on, geometry, p);
  }
  { conv2d_pack(on, geometry, p); }
  void forward(auto& on, const auto& f) const { conv2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { conv2d_backward(on, geometry, b); }
};

/// Every kernel, stride, padding and dilation; every pair of channel counts for 3×3 (Winograd, where both are blocked)
/// and 1×1; groups and depthwise; images of one pixel; images that take several tasks.
inline std::vector<conv2d_case> conv2d_cases() {
  using enum segx::activation;
  constexpr int channels[] = {1, 3, 5, 8, 9, 16, 24};
  constexpr segx::shape planes[] = {{0, 7, 5}, {0, 5, 9}, {0, 6, 6}, {0, 9, 7}};
  constexpr segx::epilogue thens[] = {
      {}, {.act = relu}, {.act = relu, .dropout = 0.25F}, {.act = sigmoid}, {.dropout = 0.5F}};
  std::vector<conv2d_case> cases;
  int n = 0;
  const auto add = [&](segx::conv2d_geometry g, int from, int to) {
    const segx::shape plane = planes[n % std::size(planes)];
    const conv2d_case next{g, to, {from, plane.height, plane.width}, 1 + n % 3, thens[n % std::size(thens)]};
    if (next.fits()) { cases.push_back(next); }
    ++n;
  };

  for (const int kernel : {1, 2, 3, 5}) {
    for (const int stride : {1, 2, 3}) {
      for (const int padding : {0, 1, 2}) {
        for (const int dilation : {1, 2}) {
          add({kernel, stride, padding, dilation}, channels[n % 7], channels[(n / 7 + n) % 7]);
        }
      }
    }
  }
  for (const int from : channels) {
    for (const int to : channels) {
      add({.kernel = 3, .padding = n % 3}, from, to);
      add({.kernel = 1, .padding = 0}, from, to);
    }
  }
  for (const int groups : {2, 3, 4}) { add({.groups = groups}, 2 * groups, 3 * groups); }
  for (const int kernel : {1, 3, 5}) {  // depthwise
    for (const int stride : {1, 2, 3}) {
      for (const int padding : {0, 1, 2}) {
        const int depth = channels[3 + n % 4];
        add({kernel, stride, padding, 1 + n % 2, depth}, depth, depth);
      }
    }
  }
  for (const int kernel : {1, 3, 5}) {  // more zeros below and at the right
    for (const int stride : {1, 2}) {
      for (const int groups : {1, 8}) {
        add({.kernel = kernel, .stride = stride, .padding = kernel / 2, .groups = groups, .end_padding = 1 + n % 2}, 8,
            8);
      }
      add({.kernel = kernel, .stride = stride, .padding = 0, .end_padding = 2}, 3, 9);
    }
  }
  cases.push_back({{.kernel = 5, .padding = 2, .groups = 16}, 16, {16, 6, 29}, 2, {.act = relu}});
  cases.push_back({{.groups = 3}, 3, {3, 6, 5}, 1, {}});  // not blocked
  add({.groups = 16}, 16, 16);
  add({.kernel = 5, .stride = 2, .padding = 2, .groups = 2}, 16, 32);
  for (const int extent : {1, 2, 3, 4}) { cases.push_back({{}, 8, {8, extent, 5 - extent}, 2}); }
  cases.push_back({{}, 9, {8, 41, 43}, 2, {.act = relu}});  // more tiles than one task takes
  // Planes large enough for Winograd's tiles of 6×6 results, which do not divide them.
  cases.push_back({{}, 9, {8, 61, 58}, 2, {.act = relu}});
  cases.push_back({{.padding = 0}, 24, {16, 62, 64}, 1, {.act = sigmoid}});
  cases.push_back({{.padding = 2}, 40, {24, 56, 56}, 1, {.act = relu, .dropout = 0.25F}});  // … not those of x
  cases.push_back({{}, 40, {72, 5, 6}, 1, {.act = relu}});  // more channels than one task takes
  cases.push_back({{.kernel = 1, .padding = 0}, 24, {1030, 7, 9}, 2, {.act = sigmoid}});  // more pixels …
  cases.push_back({{.padding = 1, .groups = 9}, 9, {9, 70, 5}, 2, {.act = leaky_relu}});  // … and rows
  // Of stride 2, with so many channels that Winograd's algorithm is taken forward: every padding, odd and even extents.
  for (const int padding : {0, 1, 2}) { add({.stride = 2, .padding = padding}, 24 + 8 * padding, 9 + 16 * padding); }
  cases.push_back({{.stride = 2, .padding = 1}, 40, {25, 17, 30}, 2, {.act = sigmoid, .dropout = 0.25F}});
  cases.push_back({{.stride = 2, .padding = 0, .end_padding = 1}, 24, {32, 18, 22}, 1, {.act = relu}});
  cases.push_back({{.stride = 2, .padding = 1}, 16, {48, 43, 101}, 2, {}});  // more tiles than one task takes
  cases.push_back({{.stride = 2, .padding = 1}, 8, {24, 1, 3}, 2, {.act = relu}});
  // Rows so long that a direct convolution's longest pass fits in, and some results are left.
  cases.push_back({{.stride = 2, .padding = 1}, 24, {3, 9, 63}, 2, {.act = relu, .dropout = 0.25F}});
  cases.push_back({{.stride = 2, .padding = 1}, 40, {16, 9, 40}, 1, {.act = sigmoid, .dropout = 0.5F}});
  cases.push_back({{.kernel = 5, .stride = 2, .padding = 2}, 9, {8, 9, 62}, 1, {.act = relu}});
  cases.push_back({{.padding = 2, .dilation = 2}, 3, {8, 7, 31}, 2, {.act = relu, .dropout = 0.5F}});
  cases.push_back({{.padding = 2, .dilation = 2}, 24, {16, 7, 31}, 2, {.act = relu}});
  return cases;
}

/// A transposed convolution, likewise.
struct conv_transpose2d_case {
  segx::conv2d_geometry geometry;
  int out_channels = 1;
  segx::shape x;
  int batch = 1;
  segx::epilogue then{};

  bool fits() const {
    const segx::shape y = output_shape(x);
    return y.height > 0 && y.width > 0;
  }
  std::string text() const { return "transposed " + conv2d_case{geometry, out_channels, x, batch, then}.text(); }

  segx::shape output_shape(segx::shape s) const {
    const auto enlarged = [this](int extent) {
      return (extent - 1) * geometry.stride + geometry.kernel - 2 * geometry.padding;
    };
    return {out_channels, enlarged(s.height), enlarged(s.width)};
  }
  auto parameters(segx::shape s) const {
    return std::array{segx::parameter{"weight", {s.channels, out_channels, geometry.kernel, geometry.kernel}},
                      segx::parameter{"bias", {out_channels}}};
  }
  template <segx::backend B>
  segx::workspace needs(segx::shape s) const {
    return conv_transpose2d_workspace(std::type_identity<B>{}, geometry, s, output_shape(s));
  }
  template <class B>
  void pack(B& on, const segx::packing<typename B::scalar>& p) const requires requires {
    conv_transpose2d_pack(on, geometry, p);
  }
  { conv_transpose2d_pack(on, geometry, p); }
  void forward(auto& on, const auto& f) const { conv_transpose2d_forward(on, geometry, f); }
  void backward(auto& on, const auto& b) const { conv_transpose2d_backward(on, geometry, b); }
};

/// Every kernel, stride and padding; every pair of channel counts for the 2×2 of a U-Net.
inline std::vector<conv_transpose2d_case> conv_transpose2d_cases() {
  using enum segx::activation;
  constexpr int channels[] = {1, 3, 5, 8, 9, 16, 24};
  constexpr segx::shape planes[] = {{0, 3, 5}, {0, 4, 4}, {0, 5, 2}};
  constexpr segx::epilogue thens[] = {{}, {.act = relu}, {.act = relu, .dropout = 0.25F}, {.act = sigmoid}};
  std::vector<conv_transpose2d_case> cases;
  int n = 0;
  const auto add = [&](segx::conv2d_geometry g, int from, int to) {
    const segx::shape plane = planes[n % std::size(planes)];
    const conv_transpose2d_case next{g, to, {from, plane.height, plane.width}, 1 + n % 3, thens[n % std::size(thens)]};
    if (next.fits()) { cases.push_back(next); }
    ++n;
  };

  for (const int kernel : {1, 2, 3, 4, 5}) {
    for (const int stride : {1, 2, 3}) {
      for (const int padding : {0, 1, 2}) {
        add({kernel, stride, padding}, channels[n % 7], channels[(n / 7 + 2 * n) % 7]);
      }
    }
  }
  for (const int from : channels) {
    for (const int to : channels) {
      add({.kernel = 2, .stride = 2, .padding = 0}, from, to);
      add({.kernel = 4, .stride = 2, .padding = 1}, from, to);  // LinkNet
    }
  }
  add({.kernel = 6, .stride = 3, .padding = 0}, 8, 24);
  // With long vectors a pass holds the end of one tap and the beginning of the next.
  cases.push_back({{.kernel = 2, .stride = 2, .padding = 0}, 40, {8, 3, 5}, 2, {.act = sigmoid}});
  // Long rows, as of convolutions.
  cases.push_back({{.kernel = 2, .stride = 2, .padding = 0}, 40, {8, 3, 31}, 2, {.act = sigmoid, .dropout = 0.25F}});
  cases.push_back({{.kernel = 4, .stride = 2, .padding = 1}, 9, {9, 3, 31}, 1, {.act = relu}});
  return cases;
}
