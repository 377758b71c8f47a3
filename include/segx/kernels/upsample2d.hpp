#pragma once

#include <algorithm>

#include <segx/kernels/backend.hpp>
#include <segx/kernels/pass.hpp>

namespace segx {

enum class interpolation {
  nearest,  ///< each pixel becomes a square
  bilinear  ///< between the four nearest pixels
};

struct upsample2d_geometry {
  int factor = 2;
  interpolation mode = interpolation::nearest;
  bool align_corners = false;  // bilinear: corner pixels meet by their centres, not by their corners
};

/// Where a value of the result comes from along one axis: (1 − share) · x[low] + share · x[high].
struct upsample2d_source {
  int low = 0;
  int high = 0;
  double share = 0;
};

/// Bilinear enlargement of `extent` pixels along one axis.
class upsample2d_axis {
 public:
  constexpr upsample2d_axis(const upsample2d_geometry& g, int extent) : last_{extent - 1} {
    if (g.align_corners) {
      const int last_result = extent * g.factor - 1;
      step_ = last_result > 0 ? static_cast<double>(last_) / last_result : 0;
    } else {
      step_ = 1.0 / g.factor;
      offset_ = step_ / 2 - 0.5;
    }
  }

  constexpr upsample2d_source operator()(int result) const {
    const double place = std::max(result * step_ + offset_, 0.0);
    const int low = std::min(static_cast<int>(place), last_);
    return {low, std::min(low + 1, last_), place - low};
  }

 private:
  int last_;
  double step_ = 0;
  double offset_ = 0;
};

template <class B>
concept has_upsample2d = backend<B> && requires(B& on, upsample2d_geometry g, const forward_pass<typename B::scalar>& f,
                                                const backward_pass<typename B::scalar>& b) {
  upsample2d_forward(on, g, f);
  upsample2d_backward(on, g, b);
};

}  // namespace segx
