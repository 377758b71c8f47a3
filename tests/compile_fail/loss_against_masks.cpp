// expected-error: losses take logits and target as float tensors, metrics take 8-bit masks
#include <segx/losses/any_loss.hpp>

double wrong(const segx::any_loss& loss, const xt::xtensor<float, 4>& logits, const xt::xtensor<std::uint8_t, 4>& mask,
             xt::xtensor<float, 4>& dlogits) {
  return loss(logits, mask, dlogits);
}
