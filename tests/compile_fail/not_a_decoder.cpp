// expected-error: a decoder is an empty struct with skips and wire, such as unet_decoder<64, 32>
#include <segx/models/resnet.hpp>
#include <segx/models/segmentation.hpp>

using namespace segx;

struct lung_net : network<input<3>, segmentation<resnet<18>, chain<up_conv2x2<32>, relu>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
