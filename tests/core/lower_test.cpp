#include <string_view>

#include <segx/core/combine.hpp>
#include <segx/core/lower.hpp>
#include <segx/layers/add.hpp>
#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/concat.hpp>
#include <segx/layers/conv2d.hpp>
#include <segx/layers/dropout.hpp>
#include <segx/layers/max_pool2d.hpp>
#include <segx/layers/relu.hpp>
#include <segx/layers/sigmoid.hpp>

using namespace segx;

namespace {

template <class... Parts>
constexpr auto lowered(purpose why) {
  return lower(trace<chain<Parts...>>({4, 8, 8}), why);
}
using enum purpose;

/// The layers of a lowered graph, e.g. "image conv2d max_pool2d".
constexpr bool reads(const auto& lowered, std::string_view expected) {
  for (int i = 0; i < lowered.body.size; ++i) {
    const std::string_view layer = lowered.body.nodes[i].layer;
    if (!expected.starts_with(layer)) { return false; }
    expected.remove_prefix(layer.size());
    if (!expected.empty()) { expected.remove_prefix(1); }
  }
  return expected.empty();
}

// ReLU and dropout move into the convolution before them; deployed, dropout is gone; a sigmoid at the end is the head.
using block = chain<conv3x3<8>, relu, dropout<10>, conv3x3<8>, relu>;
constexpr auto training_block = lowered<block, conv1x1<1>, sigmoid>(training);
static_assert(reads(training_block, "image conv2d conv2d conv2d"));
static_assert(training_block.body.nodes[1].then.act == activation::relu &&
              training_block.body.nodes[1].then.dropout == 0.1F);
static_assert(training_block.body.nodes[2].then.act == activation::relu &&
              training_block.body.nodes[2].then.dropout == 0);
static_assert(training_block.body.nodes[3].then.empty());
static_assert(training_block.head == activation::sigmoid);

constexpr auto deployed_block = lowered<block, conv1x1<1>, sigmoid>(inference);
static_assert(reads(deployed_block, "image conv2d conv2d conv2d"));
static_assert(deployed_block.body.nodes[1].then.act == activation::relu &&
              deployed_block.body.nodes[1].then.dropout == 0);
static_assert(deployed_block.head == activation::sigmoid);
static_assert(deployed_block.body.weights == trace<chain<block, conv1x1<1>>>({4, 8, 8}).weights);
static_assert(deployed_block.body.nodes[3].places[0] == trace<block>({4, 8, 8}).weights);
static_assert(deployed_block.body.nodes[2].name.view() == "conv2d_2");

// For sampling the network is deployed, but dropout stays: before a batch normalisation it keeps that one from folding.
constexpr auto sampled_block = lowered<block, conv1x1<1>, sigmoid>(sampling);
static_assert(reads(sampled_block, "image conv2d conv2d conv2d"));
static_assert(sampled_block.body.nodes[1].then == training_block.body.nodes[1].then);
static_assert(sampled_block.head == activation::sigmoid);
static_assert(reads(lowered<conv3x3<8>, batch_norm2d<>, dropout<10>, conv1x1<1>>(sampling), "image conv2d conv2d"));
static_assert(reads(lowered<conv3x3<8>, dropout<10>, batch_norm2d<>, conv1x1<1>>(sampling),
                    "image conv2d batch_norm2d conv2d"));

// Dropout and ReLU commute, so both orders fuse; what does not commute stays.
static_assert(reads(lowered<conv1x1<2>, dropout<10>, relu, conv1x1<1>>(training), "image conv2d conv2d"));
static_assert(reads(lowered<conv1x1<2>, dropout<10>, sigmoid, conv1x1<1>>(training), "image conv2d sigmoid conv2d"));
static_assert(reads(lowered<conv1x1<2>, dropout<10>, sigmoid, conv1x1<1>>(inference), "image conv2d conv2d"));
static_assert(reads(lowered<conv1x1<2>, relu, sigmoid, conv1x1<1>>(inference), "image conv2d sigmoid conv2d"));
static_assert(reads(lowered<conv1x1<2>, dropout<10>, dropout<10>, conv1x1<1>>(training),
                    "image conv2d dropout conv2d"));

// A layer without an epilogue, and a value that somebody else reads as it is, keep their activation apart.
static_assert(reads(lowered<max_pool2d<2>, relu, conv1x1<1>>(inference), "image max_pool2d relu conv2d"));
static_assert(reads(lowered<relu, conv1x1<1>>(inference), "image relu conv2d"));
static_assert(reads(lowered<conv1x1<4>, skip<add, relu, conv1x1<4>>>(inference), "image conv2d relu conv2d add"));
static_assert(reads(lowered<conv1x1<4>, skip<concat, dropout<10>>>(training), "image conv2d dropout concat"));

// … but dropout that is gone leaves its readers to the layer before: here the sum reads the convolution twice.
constexpr auto sum = lowered<conv1x1<4>, skip<add, dropout<10>>, relu, conv1x1<1>>(inference);
static_assert(reads(sum, "image conv2d add conv2d"));
static_assert(sum.body.nodes[2].inputs == std::array{1, 1} && sum.body.nodes[2].then.act == activation::relu);
static_assert(reads(lowered<conv1x1<4>, skip<add, dropout<10>, relu>, conv1x1<1>>(inference),
                    "image conv2d relu add conv2d"));

// An addition moves into a convolution that takes a second input: the later one of the two, if nobody else reads it. An
// activation in front of it or one behind it comes along, not both. In training it stays.
struct adding_op : no_op {
  template <class Layer>
  static constexpr adding_op of() {
    return {};
  }
  template <class Layer>
  static constexpr workspace needs(auto...) {
    return {.takes_addend = Layer::name == "conv2d"};
  }
  constexpr adding_op without_backward() const { return {}; }
};
template <class... Parts>
constexpr auto lowered_adding(purpose why) {
  return lower(trace<chain<Parts...>, adding_op>({4, 8, 8}), why);
}
constexpr auto added = lowered_adding<conv1x1<4>, skip<add, conv3x3<4>, batch_norm2d<>>, relu, conv1x1<1>>(inference);
static_assert(reads(added, "image conv2d conv2d conv2d"));
static_assert(added.body.nodes[2].has_addend() && added.body.nodes[2].inputs == std::array{1, 1});
static_assert(added.body.nodes[2].then.act == activation::relu && !added.body.nodes[1].has_addend());
static_assert(reads(lowered_adding<conv1x1<4>, skip<add, conv3x3<4>>, conv1x1<1>>(training),
                    "image conv2d conv2d add conv2d"));
constexpr auto added_behind = lowered_adding<conv1x1<4>, skip<add, conv3x3<4>, relu>, conv1x1<1>>(inference);
static_assert(reads(added_behind, "image conv2d conv2d conv2d"));
static_assert(added_behind.body.nodes[2].has_addend() && added_behind.body.nodes[2].then.precedes_sum);
static_assert(!added.body.nodes[2].then.precedes_sum);
static_assert(reads(lowered_adding<conv1x1<4>, skip<add, conv3x3<4>, relu>, relu, conv1x1<1>>(inference),
                    "image conv2d conv2d add conv2d"));
static_assert(
    reads(lowered_adding<conv1x1<4>, skip<add, conv3x3<4>, relu>, batch_norm2d<>, relu, conv1x1<1>>(inference),
          "image conv2d conv2d batch_norm2d conv2d"));
static_assert(reads(lowered_adding<conv1x1<4>, skip<add, skip<add, conv1x1<4>>>, conv1x1<1>>(inference),
                    "image conv2d conv2d add conv2d"));
static_assert(reads(lowered_adding<conv1x1<4>, skip<add, conv3x3<4>>, conv1x1<1>>(sampling),
                    "image conv2d conv2d add conv2d"));
static_assert(reads(lowered_adding<conv1x1<4>, skip<add, conv3x3<4>>, batch_norm2d<>, relu, conv1x1<1>>(inference),
                    "image conv2d conv2d batch_norm2d conv2d"));
static_assert(reads(lowered_adding<skip<add, max_pool2d<max_pool2d_options{.kernel = 3, .stride = 1, .padding = 1}>>,
                                   conv1x1<1>>(inference),
                    "image max_pool2d add conv2d"));

// Ids are given anew.
constexpr auto joined = lowered<conv1x1<4>, relu, skip<concat, conv1x1<4>, relu>, relu, conv1x1<1>>(inference);
static_assert(reads(joined, "image conv2d conv2d concat relu conv2d"));
static_assert(joined.body.nodes[3].inputs == std::array{1, 2});
static_assert(joined.body.nodes[5].inputs[0] == 4);
static_assert(joined.head == activation::none);

// A network that is nothing but an activation keeps it.
static_assert(reads(lowered<sigmoid>(inference), "image sigmoid"));

}  // namespace
