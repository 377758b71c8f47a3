// expected-error: concat: both inputs need the same height and width
// expected-error: join.concat
// expected-error: 8, 64, 64
// expected-error: 16, 32, 32
#include <segx/models/unet.hpp>

using namespace segx;

struct forgot_to_enlarge : named<"join", skip<concat, max_pool2d<2>, conv3x3<16>>> {};
struct lung_net : network<input<1>, chain<conv3x3<8>, forgot_to_enlarge, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
