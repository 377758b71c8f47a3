// expected-error: a length in pixels and a length in millimetres cannot be mixed
#include <segx/geometry/length.hpp>

constexpr auto wrong = segx::pixels{1} + segx::millimetres{2};
