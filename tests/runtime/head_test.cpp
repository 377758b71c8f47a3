#include <catch2/catch.hpp>

#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/softmax.hpp>
#include <segx/models/unet.hpp>
#include <segx/runtime/any_network.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/training_session.hpp>

#include "cases/tensors.hpp"

using namespace segx;

namespace {

/// Has statistics, whose places move when the head grows.
template <int Classes, layer Head>
struct organ_net
    : network<input<1>, chain<conv3x3<8>, batch_norm2d<>, relu, unet<8, 16>, named<"head", conv1x1<Classes>>, Head>> {};

constexpr shape image{1, 16, 24};

template <class Network>
weights<Network> drawn_weights(const Network& network) {
  auto w = weights<Network>::random(3, network);
  for (const auto& array : w.arrays()) {
    for (std::size_t i = 0; i < array.values.size(); ++i) { array.values[i] += 0.01F * static_cast<float>(i % 7); }
  }
  return w;
}

/// Probabilities of two images, and then logits and gradients of one step.
template <class Network, class Backend = cpu>
std::vector<float> results_of(const Network& network) {
  const auto w = drawn_weights(network);
  const auto images = drawn<float>(2, image, 1);
  const auto predicted = session<Network, Backend>{w, 16, 24, {.batch = 2}}.predict(images);
  std::vector<float> all(predicted.begin(), predicted.end());
  training_session<Network> training{network, 16, 24, {.batch = 2}};
  xt::xtensor<float, 4> logits;
  training.forward(w.values(), images, logits, {5});
  training.backward(w.values(), drawn<float>(2, training.output(), 2));
  all.insert(all.end(), logits.begin(), logits.end());
  all.insert(all.end(), training.gradients().begin(), training.gradients().end());
  return all;
}

/// A chosen head must be in all that can be told the head of a type.
template <class Typed>
void check_like(const any_network& chosen, head_choice head) {
  const any_network found = chosen.with_head(head);
  CHECK(found.classes == Typed::classes);
  CHECK(found.parameter_count == Typed::parameter_count);
  CHECK(found.statistic_count == Typed::statistic_count);
  CHECK(found.fingerprint == Typed::fingerprint);
  CHECK(found.nodes().back().head == Typed::nodes().back().head);
  const auto here = found.composed(16, 24);
  const auto there = Typed::composed(16, 24);
  REQUIRE(here.size() == static_cast<std::size_t>(there.size));
  for (std::size_t i = 0; i < here.size(); ++i) {
    CHECK(here[i].output == there.nodes[i].output);
    CHECK(here[i].macs == there.nodes[i].macs);
    CHECK(here[i].places == there.nodes[i].places);
    CHECK(here[i].layer == there.nodes[i].layer);
  }
  CHECK(results_of(found) == results_of(Typed{}));
  using small = frugal<cpu>;
  CHECK(results_of<any_network, small>(found) == results_of<Typed, small>(Typed{}));
}

}  // namespace

TEST_CASE("a head that is chosen when the program runs is that of the type", "[runtime]") {
  const any_network one = any_network::of<organ_net<1, sigmoid>>();
  check_like<organ_net<1, sigmoid>>(one, {1, activation::sigmoid});
  check_like<organ_net<3, sigmoid>>(one, {3, activation::sigmoid});
  check_like<organ_net<4, softmax>>(one, {4, activation::softmax});
  check_like<organ_net<17, softmax>>(one, {17, activation::softmax});  // more than a block of channels
  const any_network many = any_network::of<organ_net<17, softmax>>();
  check_like<organ_net<2, softmax>>(many, {2, activation::softmax});
  check_like<organ_net<1, sigmoid>>(many, {1, activation::sigmoid});
  check_like<organ_net<3, sigmoid>>(many.with_head({9, activation::softmax}), {3, activation::sigmoid});
}

TEST_CASE("a head without meaning is refused", "[runtime]") {
  using Catch::Matchers::Contains;
  const any_network one = any_network::of<organ_net<1, sigmoid>>();
  CHECK_THROWS_WITH(one.with_head({0, activation::sigmoid}), Contains("one class at least"));
  CHECK_THROWS_WITH(one.with_head({1, activation::softmax}), Contains("two if they exclude each other, not 1"));
  struct no_head : network<input<1>, chain<conv3x3<8>, relu>> {};
  struct wide_head : network<input<1>, chain<conv3x3<2>, sigmoid>> {};
  struct no_convolution : network<input<1>, chain<conv3x3<2>, batch_norm2d<>, sigmoid>> {};
  for (const any_network& net :
       {any_network::of<no_head>(), any_network::of<wide_head>(), any_network::of<no_convolution>()}) {
    CHECK_THROWS_WITH(net.with_head({2, activation::sigmoid}), Contains("that end in a 1x1 convolution"));
  }
}
