#include <catch2/catch.hpp>

#include <segx/core/random.hpp>
#include <segx/kernels/reference.hpp>
#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>
#include <segx/testing/compare.hpp>

// The whole network as the browser runs it: planned, packed, on the vectors of WebAssembly.
TEST_CASE("unet16 in WebAssembly agrees with the reference in double", "[wasm]") {
  using image_64 = segx::unet16::at<64, 64>;
  const auto weights = segx::weights<segx::unet16>::random(7);
  segx::weights<segx::unet16, double> exact;
  std::copy(weights.values().begin(), weights.values().end(), exact.values().begin());

  segx::random_generator draw{8};
  auto image = xt::xtensor<float, 4>::from_shape({1, 1, 64, 64});
  auto exact_image = xt::xtensor<double, 4>::from_shape({1, 1, 64, 64});
  for (std::size_t i = 0; i < image.size(); ++i) {
    exact_image.data()[i] = image.data()[i] = static_cast<float>(draw.uniform());
  }

  const auto found = segx::session<image_64>{weights}.logits(image);
  const auto expected = segx::session<image_64, segx::reference<double>>{exact}.logits(exact_image);
  CHECK(segx::testing::relative_error(found, expected) < 1e-4);
}
