// expected-error: depthwise_conv2d: the kernel is larger than the padded input
// expected-error: 8, 64, 6
#include <segx/layers/depthwise_conv2d.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<8>, depthwise_conv2d<depthwise_conv2d_options{.kernel = 7, .padding = 0}>> {};

static_assert(lung_net::at<64, 6>::output.channels == 8);
