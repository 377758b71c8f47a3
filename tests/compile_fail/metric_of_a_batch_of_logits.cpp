// expected-error: metrics take masks of 8 bits, losses take logits
#include <segx/metrics/classes.hpp>

auto wrong(const xt::xtensor<float, 4>& logits, const xt::xtensor<std::uint8_t, 4>& truth) {
  return segx::count_planes(logits, truth, 0);
}
