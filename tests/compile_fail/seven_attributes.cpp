// expected-error: a layer has six attributes at most
#include <segx/models/unet.hpp>

using namespace segx;

struct talkative {
  static constexpr std::string_view name = "talkative";
  static constexpr std::array<attribute, 7> attributes{};
  static constexpr shape output_shape(shape x) { return x; }
};
struct lung_net : network<input<1>, chain<conv3x3<8>, talkative>> {};

static_assert(lung_net::at<64, 64>::output.channels == 8);
