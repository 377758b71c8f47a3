// expected-error: one loss of the sum reads logits by a sigmoid, the other by a softmax
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/dice.hpp>

constexpr auto wrong = segx::bce + segx::dice + segx::softmax_dice;
