#include <segx/core/finite.hpp>

#include <limits>

using namespace segx;

namespace {

template <class T>
constexpr bool tells_apart() {
  using limits = std::numeric_limits<T>;
  return is_finite(T{0}) && is_finite(-limits::max()) && is_finite(limits::denorm_min()) &&
         !is_finite(limits::infinity()) && !is_finite(-limits::infinity()) && !is_finite(limits::quiet_NaN()) &&
         !is_finite(-limits::signaling_NaN());
}

static_assert(tells_apart<float>() && tells_apart<double>());

}  // namespace
