// expected-error: a session takes images as float
#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>

using namespace segx;

auto segmented(session<unet8>& lungs, const xt::xtensor<std::uint8_t, 4>& bytes) { return lungs.predict(bytes); }
