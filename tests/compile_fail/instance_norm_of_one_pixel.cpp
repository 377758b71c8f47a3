// expected-error: instance_norm2d: one pixel has no variance
#include <segx/layers/instance_norm2d.hpp>
#include <segx/layers/squeeze_excite.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<1>, chain<conv3x3<8>, global_avg_pool2d, instance_norm2d<>, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
