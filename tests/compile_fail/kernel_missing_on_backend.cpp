// expected-error: this layer has no kernel on this backend
// expected-error: conv2d
#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>

using namespace segx;

struct fpga : backend_base {  // it has no kernels yet
  using scalar = float;
  static constexpr layout memory{};
};
struct lung_net : network<input<1>, conv3x3<8>> {};

segx::session<lung_net::at<64, 64>, fpga> lungs{weights<lung_net>{}};
