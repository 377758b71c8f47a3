// expected-error: metrics take masks of 8 bits, losses take logits
#include <segx/metrics/surface.hpp>

auto wrong(const xt::xtensor<float, 2>& logits, const xt::xtensor<std::uint8_t, 2>& truth) {
  return segx::surface_distances(logits, truth);
}
