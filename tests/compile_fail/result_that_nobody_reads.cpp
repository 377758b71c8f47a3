// expected-error: nobody reads the result of this layer
// expected-error: lost
#include <segx/models/unet.hpp>

using namespace segx;

struct wasteful {
  static constexpr tensor wire(auto& g, tensor x) {
    g(named<"lost", conv3x3<8>>{}, x);
    return g(conv1x1<1>{}, x);
  }
};
struct lung_net : network<input<1>, wasteful> {};

static_assert(lung_net::at<64, 64>::output.channels == 1);
