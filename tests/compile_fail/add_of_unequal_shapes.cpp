// expected-error: add: both inputs need the same shape
// expected-error: residual.add
// expected-error: 8, 64, 64
// expected-error: 16, 64, 64
#include <segx/layers/add.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct widens : named<"residual", skip<add, conv3x3<16>, relu>> {};
struct lung_net : network<input<1>, chain<conv3x3<8>, widens, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
