// expected-error: channel_scale: expected one factor for each channel, [C,1,1]
// expected-error: gate.channel_scale
#include <segx/layers/squeeze_excite.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct gate : named<"gate", skip<channel_scale, conv1x1<8>, sigmoid>> {};
struct lung_net : network<input<1>, chain<conv3x3<8>, gate, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
