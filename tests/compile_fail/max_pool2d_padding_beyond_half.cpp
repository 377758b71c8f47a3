// expected-error: padding <=
#include <segx/layers/max_pool2d.hpp>

using pool = segx::max_pool2d<segx::max_pool2d_options{.kernel = 3, .stride = 2, .padding = 2}>;
