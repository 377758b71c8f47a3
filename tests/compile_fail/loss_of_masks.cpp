// expected-error: losses take logits and target as float tensors, metrics take 8-bit masks
#include <segx/losses/bce.hpp>

double wrong(const xt::xtensor<std::uint8_t, 4>& mask, const xt::xtensor<float, 4>& target) {
  return segx::bce(mask, target);
}
