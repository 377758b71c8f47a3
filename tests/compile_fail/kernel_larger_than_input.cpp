// expected-error: conv2d: the kernel is larger than the padded input
// expected-error: stem
// expected-error: 1, 64, 6
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net
    : network<input<1>, named<"stem", conv2d<conv2d_options{.out_channels = 8, .kernel = 7, .padding = 0}>>> {};

static_assert(lung_net::at<64, 6>::output.channels == 8);
