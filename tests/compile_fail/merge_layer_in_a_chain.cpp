// expected-error: segx: a layer of two inputs cannot follow another; join by skip<add, ...> or branches<add, ...>
#include <segx/layers/add.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<1>, chain<conv3x3<8>, add, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
