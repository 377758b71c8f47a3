// expected-error: group_norm2d: the channels cannot be split into so many groups
// expected-error: 10, 64, 64
#include <segx/layers/group_norm2d.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<1>, chain<conv3x3<10>, group_norm2d<4>, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
