// expected-error: weights are those of a network<input<C>, ...>, not of a chain or a layer
#include <segx/core/combine.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/sigmoid.hpp>
#include <segx/runtime/weights.hpp>

using namespace segx;

using lung_net = chain<conv3x3<8>, conv1x1<1>, sigmoid>;

const auto drawn = weights<lung_net>::random(1);
