#pragma once

#include <array>
#include <string_view>

#include <segx/core/graph.hpp>
#include <segx/kernels/max_pool2d.hpp>

namespace segx {

struct max_pool2d_options {
  int kernel = 2;
  int stride = kernel;
  int padding = 0;
};

namespace detail {

constexpr pool2d_geometry pooling(int window) { return {.kernel = window}; }
constexpr pool2d_geometry pooling(max_pool2d_options o) { return {o.kernel, o.stride, o.padding}; }

}  // namespace detail

/// The largest value of each window of R × R pixels:
///
///   y[n,c,i,j] = max_{r,s} x[n, c, i·stride + r − padding, j·stride + s − padding]   over the r, s within the image
///
///   x [N,C,H,W]    y [N,C,H',W'],  H' = (H + 2·padding − R) / stride + 1
///
/// `max_pool2d<2>` has windows side by side; `max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2, .padding = 1}>`
/// those of ResNet, which overlap. An image whose last rows or columns would be in no window is refused: its border
/// would be lost in silence.
template <auto Windows>
  requires(detail::pooling(Windows).kernel > 0 && detail::pooling(Windows).stride > 0 &&
           detail::pooling(Windows).kernel * detail::pooling(Windows).stride > 1 &&
           detail::pooling(Windows).padding >= 0 &&
           2 * detail::pooling(Windows).padding <= detail::pooling(Windows).kernel)
struct max_pool2d {
  static constexpr std::string_view name = "max_pool2d";
  static constexpr pool2d_geometry geometry = detail::pooling(Windows);
  static constexpr std::array attributes =
      geometry.is_tiling() ? std::array{attribute{"window", geometry.kernel}, attribute{}, attribute{}}
                           : std::array{attribute{"kernel", geometry.kernel}, attribute{"stride", geometry.stride},
                                        attribute{"padding", geometry.padding}};
  static constexpr layer_facts facts{};

  static constexpr const char* refuses(shape x) {
    if (geometry.covers(x)) { return nullptr; }
    return geometry.is_tiling() ? "max_pool2d: height and width must be multiples of the window"
                                : "max_pool2d: the last rows or columns lie in no window";
  }
  static constexpr shape output_shape(shape x) {
    return {x.channels, geometry.output_extent(x.height), geometry.output_extent(x.width)};
  }

  template <backend B>
  static constexpr workspace needs(shape x) {
    return max_pool2d_workspace(std::type_identity<B>{}, geometry, x);
  }
  template <has_max_pool2d B>
  static void forward(B& on, const forward_pass<typename B::scalar>& f) {
    max_pool2d_forward(on, geometry, f);
  }
  template <has_max_pool2d B>
  static void backward(B& on, const backward_pass<typename B::scalar>& b) {
    max_pool2d_backward(on, geometry, b);
  }
};

}  // namespace segx
