// expected-error: conv2d: the channels cannot be split into so many groups
// expected-error: 3, 64, 64
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<3>, conv2d<conv2d_options{.out_channels = 8, .groups = 2}>> {};

static_assert(lung_net::at<64, 64>::output.channels == 8);
