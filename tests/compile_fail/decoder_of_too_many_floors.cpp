// expected-error: this decoder joins more feature maps than the encoder has
#include <segx/models/decoders.hpp>
#include <segx/models/resnet.hpp>
#include <segx/models/segmentation.hpp>

using namespace segx;

struct lung_net : network<input<3>, segmentation<resnet<18>, unet_decoder<256, 128, 64, 32, 16, 8>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
