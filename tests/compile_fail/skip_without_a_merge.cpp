// expected-error: segx: skip and branches begin with a layer of two inputs: skip<add, ...>, branches<concat, ...>
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<1>, chain<conv3x3<8>, skip<conv3x3<8>, relu>, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
