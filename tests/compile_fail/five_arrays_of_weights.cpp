// expected-error: a layer has four arrays of weights at most
#include <segx/models/unet.hpp>

using namespace segx;

struct wealthy {
  static constexpr std::string_view name = "wealthy";
  static constexpr shape output_shape(shape x) { return x; }
  static constexpr auto parameters(shape) { return std::array<parameter, 5>{}; }
};
struct lung_net : network<input<1>, chain<conv3x3<8>, wealthy>> {};

static_assert(lung_net::at<64, 64>::output.channels == 8);
