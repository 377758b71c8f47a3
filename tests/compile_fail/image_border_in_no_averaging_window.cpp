// expected-error: avg_pool2d: the last rows or columns lie in no window
#include <segx/layers/avg_pool2d.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<1>, chain<conv3x3<8>, avg_pool2d<avg_pool2d_options{}>, conv1x1<1>>> {};

static_assert(lung_net::at<64, 63>::output.channels == 1);
