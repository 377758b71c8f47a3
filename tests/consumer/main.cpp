#include <cmath>

#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>

struct lung_net : segx::network<segx::input<1>, segx::chain<segx::unet<8, 16>, segx::conv1x1<1>, segx::sigmoid>> {};

int main() {
  const auto weights = segx::weights<lung_net>::random(1);
  segx::session<lung_net::at<32, 32>> lungs{weights};
  auto images = xt::xtensor<float, 4>::from_shape({1, 1, 32, 32});
  images.fill(0.5F);
  const auto probabilities = lungs.predict(images);
  for (const float p : probabilities) {
    if (!std::isfinite(p) || p < 0 || p > 1) { return 1; }
  }
  return probabilities.size() == 32 * 32 ? 0 : 1;
}
