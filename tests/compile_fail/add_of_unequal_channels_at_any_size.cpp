// expected-error: add: both inputs need the same shape
// expected-error: residual.add
#include <segx/layers/add.hpp>
#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>

using namespace segx;

struct widens : named<"residual", skip<add, conv3x3<16>, relu>> {};
struct lung_net : network<input<1>, chain<conv3x3<8>, widens, conv1x1<1>>> {};

session<lung_net> lungs{weights<lung_net>{}, 64, 64};
