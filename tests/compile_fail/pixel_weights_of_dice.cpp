// expected-error: weights of pixels are for means over pixels, and this loss is none
#include <segx/losses/border_weight.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/dice.hpp>

constexpr auto wrong = segx::border_weight{} * (0.5 * segx::dice);
