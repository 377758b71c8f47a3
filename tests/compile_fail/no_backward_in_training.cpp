// expected-error: this layer has no backward pass on this backend and cannot be trained
// expected-error: middle
// expected-error: square
// expected-error: 8, 64, 64
#include <segx/models/unet.hpp>
#include <segx/runtime/training_session.hpp>

using namespace segx;

struct square {
  static constexpr std::string_view name = "square";
  static constexpr shape output_shape(shape x) { return x; }
  static void forward(auto&, const auto&) {}
};
struct lung_net : network<input<1>, chain<conv3x3<8>, named<"middle", square>, conv1x1<1>>> {};

using predicts = static_plan<lung_net::at<64, 64>, cpu, purpose::inference>;  // fine
static_assert(sizeof(predicts) > 0);

segx::training_session<lung_net::at<64, 64>> session{{.batch = 1}};
