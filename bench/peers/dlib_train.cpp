// What the counterpart of tests/budget/train_unet16.cpp costs to compile with dlib, less what reads pictures there.
#include "dlib_unet.hpp"

int main() {
  unet::net lungs;
  std::vector<dlib::matrix<float>> images(4, dlib::matrix<float>(256, 256));
  std::vector<dlib::matrix<float>> masks(4, dlib::matrix<float>(256, 256));
  dlib::dnn_trainer<unet::net, dlib::adam> trainer(lungs, dlib::adam(0, 0.9, 0.999));
  trainer.set_learning_rate(1e-3);
  trainer.train_one_step(images, masks);
  dlib::serialize("lungs.dat") << lungs;
  return 0;
}
