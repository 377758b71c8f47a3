// What a program that predicts may cost its user to compile.
#include <segx/models/paper.hpp>
#include <segx/runtime/session.hpp>

int main() {
  const auto weights = segx::weights<segx::linknet_effb3>::random(1);
  segx::session<segx::linknet_effb3::at<512, 512>> lungs{weights};
  auto images = xt::xtensor<float, 4>::from_shape({1, 3, 512, 512});
  images.fill(0.5F);
  return lungs.predict(images)(0, 0, 128, 128) < 0 ? 1 : 0;
}
