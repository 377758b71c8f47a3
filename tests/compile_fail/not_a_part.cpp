// expected-error: a part is an empty struct, either a layer (name, output_shape) or a block (wire)
// expected-error: softmax
#include <segx/models/unet.hpp>

struct softmax {};  // somebody forgot name and output_shape

struct lung_net : segx::network<segx::input<1>, segx::chain<segx::conv1x1<2>, softmax>> {};

static_assert(lung_net::at<64, 64>::output.channels > 0);
