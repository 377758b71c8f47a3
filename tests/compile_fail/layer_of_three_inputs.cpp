// expected-error: segx: a layer has one input or two; join more of them in pairs
#include <segx/models/unet.hpp>

using namespace segx;

struct add_three {
  static constexpr std::string_view name = "add_three";
  static constexpr shape output_shape(shape x, shape, shape) { return x; }
};
struct trident {
  static constexpr tensor wire(auto& g, tensor x) {
    const tensor y = g(conv3x3<8>{}, x);
    return g(add_three{}, y, y, y);
  }
};
struct lung_net : network<input<1>, trident> {};

static_assert(lung_net::at<64, 64>::output.channels == 8);
