// expected-error: plane_scale: expected one factor for each pixel, [1,H,W]
// expected-error: gate.plane_scale
#include <segx/layers/attention_gate.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct gate : named<"gate", skip<plane_scale, conv1x1<8>, sigmoid>> {};
struct lung_net : network<input<1>, chain<conv3x3<8>, gate, conv1x1<1>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
