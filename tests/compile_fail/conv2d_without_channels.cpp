// expected-error: O.out_channels > 0
#include <segx/models/unet.hpp>

using stem = segx::conv2d<segx::conv2d_options{.kernel = 3}>;
