// All losses, as parse_loss names them.
#include <segx/losses/impl/parse.hpp>
