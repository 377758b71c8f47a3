// expected-error: an encoder is an empty struct with channels and taps, such as resnet<18>
#include <segx/models/paper.hpp>

using namespace segx;

struct which_view : network<input<1>, classifier<unet_decoder<64, 32>, 2>> {};

static_assert(which_view::at<64, 64>::output.channels == 2);
