// expected-error: max_pool2d: the last rows or columns lie in no window
// expected-error: stem.max_pool2d
// expected-error: 8, 64, 64
#include <segx/models/unet.hpp>

using namespace segx;

struct stem : named<"stem", chain<conv3x3<8>, max_pool2d<max_pool2d_options{.kernel = 3, .stride = 2}>>> {};
struct lung_net : network<input<1>, chain<stem, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);  // 65 would fit, or a padding of 1
