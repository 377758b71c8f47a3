#include <catch2/catch.hpp>
#include <xtensor-blas/xlinalg.hpp>
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include "cases/conv2d.hpp"

// The reference is the oracle of every other backend. Here it meets an oracle of its own, which shares nothing with it:
// the convolution as a product of two matrices, by BLAS.

namespace {

using matrix = xt::xtensor<double, 2>;
using tensor4 = xt::xtensor<double, 4>;

/// Windows of channels [first, first + count) of image n as columns: [count·R·R, Ho·Wo], zeros outside the image.
matrix windows(const tensor4& x, std::size_t n, int first, int count, const segx::conv2d_geometry& g, segx::shape y) {
  const auto rows = static_cast<int>(x.shape()[2]);
  const auto columns = static_cast<int>(x.shape()[3]);
  matrix result = xt::zeros<double>({count * g.kernel * g.kernel, y.height * y.width});
  for (int c = 0; c < count; ++c) {
    for (int tap = 0; tap < g.kernel * g.kernel; ++tap) {
      for (int pixel = 0; pixel < y.height * y.width; ++pixel) {
        const int h = pixel / y.width * g.stride + tap / g.kernel * g.dilation - g.padding;
        const int w = pixel % y.width * g.stride + tap % g.kernel * g.dilation - g.padding;
        if (h < 0 || w < 0 || h >= rows || w >= columns) { continue; }
        result(c * g.kernel * g.kernel + tap, pixel) = x(n, first + c, h, w);
      }
    }
  }
  return result;
}

/// y[n] = W · windows(x[n]) + b, group by group.
std::vector<double> convolution_by_blas(const conv2d_case& c, const segx::testing::layer_inputs& in) {
  const segx::conv2d_geometry& g = c.geometry;
  const segx::shape y = c.output_shape(c.x);
  const auto extent = [](int value) { return static_cast<std::size_t>(value); };
  const tensor4 x =
      xt::adapt(in.x[0], std::array{extent(in.batch), extent(c.x.channels), extent(c.x.height), extent(c.x.width)});
  const int from = c.x.channels / g.groups;
  const int to = y.channels / g.groups;
  const matrix weights =
      xt::adapt(in.parameters[0], std::array{extent(y.channels), extent(from * g.kernel * g.kernel)});
  const xt::xtensor<double, 1> bias = xt::adapt(in.parameters[1], std::array{extent(y.channels)});

  std::vector<double> result;
  for (std::size_t n = 0; n < extent(in.batch); ++n) {
    for (int group = 0; group < g.groups; ++group) {
      const matrix w = xt::view(weights, xt::range(group * to, (group + 1) * to), xt::all());
      const matrix products = xt::linalg::dot(w, windows(x, n, group * from, from, g, y));
      const matrix sums = products + xt::view(bias, xt::range(group * to, (group + 1) * to), xt::newaxis());
      result.insert(result.end(), sums.begin(), sums.end());
    }
  }
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("the reference's conv2d is a product of matrices", "[blas]", float, double) {
  segx::reference<TestType> on;
  for (conv2d_case c : conv2d_cases()) {
    c.then = {};
    INFO(c.text());
    const auto in = segx::testing::draw(c, c.batch, {c.x}, c.then);
    segx::testing::layer_run found{on, c, in};
    const double bound = std::is_same_v<TestType, double> ? 1e-13 : 1e-5;
    CHECK(segx::testing::relative_error(found.forward(), convolution_by_blas(c, in)) < bound);
  }
}
