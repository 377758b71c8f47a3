// expected-error: an encoder is an empty struct with channels and taps, such as resnet<18>
#include <segx/models/paper.hpp>
#include <segx/models/resnet.hpp>

using namespace segx;

struct stem {  // somebody forgot channels
  static constexpr std::array<tensor, 1> taps(auto& g, tensor x) { return {g(conv3x3<8>{}, x)}; }
};
struct lung_net : network<input<1>, segmentation<stem, unet_decoder<8>>> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
