#include <catch2/catch.hpp>

#include "cases/agreement.hpp"
#include "cases/any_layer.hpp"
#include "cases/backends.hpp"
#include "cases/layers.hpp"

using segx::testing::draw;
using segx::testing::gradient_error;

SEGX_GRADIENT_TEST("every layer's gradients match finite differences", "[layers][gradient]") {
  auto on = TestType::make();
  for_each_layer([&]<class Case>(Case) {
    const any_layer layer{typename Case::layer{}, Case::inputs};
    INFO(layer.name << " of " << segx::text_of(Case::inputs[0]));
    CHECK(gradient_error(on, layer, draw(layer, 2, Case::inputs, layer.then)) < TestType::gradient);
  });
}

SEGX_BACKEND_TEST("every layer agrees with the reference in double", "[layers]") {
  auto on = TestType::make();
  for_each_layer([&]<class Case>(Case) {
    const any_layer layer{typename Case::layer{}, Case::inputs};
    INFO(layer.name << " of " << segx::text_of(Case::inputs[0]));
    check_agreement(on, layer, draw(layer, 2, Case::inputs, layer.then), TestType::winograd);
  });
}

// The shapes that layers promise are public constants; a user's layer is checked with one line.
TEST_CASE("gradient_error takes a layer by its type", "[layers][gradient]") {
  segx::reference<double> on;
  CHECK(gradient_error<segx::conv3x3<2>>(on, 2, segx::shape{3, 4, 5}) < 1e-6);
  CHECK(gradient_error<segx::add>(on, 1, segx::shape{3, 4, 5}, segx::shape{3, 4, 5}) < 1e-6);
}

namespace {

/// A layer whose backward pass forgets a factor.
struct wrong_square {
  static constexpr std::string_view name = "wrong_square";
  static constexpr segx::shape output_shape(segx::shape x) { return x; }
  template <class B>
  static void forward(B&, const segx::forward_pass<typename B::scalar>& f) {
    segx::for_each_element(f.y, [&](int n, int c, int i, int j) {
      const auto x = segx::elements<B::memory>(f.x[0])(n, c, i, j);
      segx::elements<B::memory>(f.y)(n, c, i, j) = x * x;
    });
  }
  template <class B>
  static void backward(B&, const segx::backward_pass<typename B::scalar>& b) {
    if (b.dx[0].data == nullptr) { return; }
    segx::for_each_element(b.dx[0], [&](int n, int c, int i, int j) {
      const auto x = segx::elements<B::memory>(b.x[0])(n, c, i, j);
      const auto before = b.adds[0] ? segx::elements<B::memory>(b.dx[0])(n, c, i, j) : 0;
      segx::elements<B::memory>(b.dx[0])(n, c, i, j) = before + x * segx::elements<B::memory>(b.dy)(n, c, i, j);
    });
  }
};

/// A layer whose backward pass writes its gradient over that of another reader.
struct forgetful {
  static constexpr std::string_view name = "forgetful";
  static constexpr segx::shape output_shape(segx::shape x) { return x; }
  template <class B>
  static void forward(B&, const segx::forward_pass<typename B::scalar>& f) {
    segx::for_each_element(f.y, [&](int n, int c, int i, int j) {
      segx::elements<B::memory>(f.y)(n, c, i, j) = segx::elements<B::memory>(f.x[0])(n, c, i, j);
    });
  }
  template <class B>
  static void backward(B&, const segx::backward_pass<typename B::scalar>& b) {
    if (b.dx[0].data == nullptr) { return; }
    segx::for_each_element(b.dx[0], [&](int n, int c, int i, int j) {
      segx::elements<B::memory>(b.dx[0])(n, c, i, j) = segx::elements<B::memory>(b.dy)(n, c, i, j);
    });
  }
};

static_assert(segx::layer<wrong_square> && segx::layer<forgetful>);

}  // namespace

TEST_CASE("gradient_error finds a wrong gradient", "[layers][gradient]") {
  segx::reference<double> on;
  CHECK(gradient_error<wrong_square>(on, 1, segx::shape{2, 3, 3}) > 0.4);
  CHECK(gradient_error<forgetful>(on, 1, segx::shape{2, 3, 3}) > 0.1);
}
