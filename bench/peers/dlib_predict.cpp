// What the counterpart of tests/budget/predict_unet16.cpp costs to compile with dlib.
#include "dlib_unet.hpp"

int main() {
  unet::net lungs;
  dlib::matrix<float> image(256, 256);
  image = 0.5F;
  return lungs(image)(128, 128) < 0 ? 1 : 0;
}
