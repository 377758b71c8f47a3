// expected-error: weights serve images of any size: their extents may follow from channels, not from height or width
#include <segx/models/unet.hpp>

using namespace segx;

struct position {
  static constexpr std::string_view name = "position";
  static constexpr shape output_shape(shape x) { return x; }
  static constexpr auto parameters(shape x) { return std::array{parameter{"offset", {x.channels, x.height, x.width}}}; }
};
struct lung_net : network<input<1>, chain<conv3x3<8>, position>> {};

static_assert(lung_net::at<64, 64>::output.channels == 8);
