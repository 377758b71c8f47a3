// expected-error: max_pool2d: height and width must be multiples of the window
// expected-error: max_pool2d_2
// expected-error: 32, 32, 31
#include <segx/models/unet.hpp>

// 62 is even, but 31 is not.
static_assert(segx::unet16::at<64, 62>::output.channels == 1);
