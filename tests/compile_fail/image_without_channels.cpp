// expected-error: Channels > 0
#include <segx/models/unet.hpp>

using image = segx::input<0>;
