// expected-error: softmax: one channel would be 1 everywhere; use sigmoid
#include <segx/layers/softmax.hpp>
#include <segx/models/unet.hpp>

using namespace segx;

struct lung_net : network<input<1>, chain<conv3x3<8>, conv1x1<1>, softmax>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
