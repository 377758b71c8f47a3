// expected-error: O.align_corners
#include <segx/layers/upsample2d.hpp>

using enlarged = segx::upsample2d<segx::upsample2d_options{.align_corners = true}>;
