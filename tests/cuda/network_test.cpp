#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

#include <segx/cuda/training_session.hpp>
#include <segx/models/paper.hpp>
#include <segx/runtime/session.hpp>
#include <segx/testing/compare.hpp>

#include "cases/networks.hpp"
#include "cases/tensors.hpp"
#include "models/training_step.hpp"

using namespace segx;
using segx::testing::relative_error;

namespace {

/// A step of training, with dropout, on each of two backends.
template <class Network>
void check_step_against_cpu() {
  const auto w = weights<Network>::random(5);
  const auto step = [&]<class Backend>(std::type_identity<Backend>) {
    training_session<Network, Backend> session{8, 12, {.batch = 3, .numbers = precision::fp32}};
    xt::xtensor<float, 4> logits;
    session.forward(w.values(), drawn<float>(2, session.input(), 1), logits, {11});
    session.backward(w.values(), drawn<float>(2, session.output(), 2));
    const auto gradients = session.gradients();
    std::vector<float> all(gradients.begin(), gradients.end());
    return std::pair{values_of(logits), all};
  };
  const auto expected = step(std::type_identity<reference<float>>{});
  const auto found = step(std::type_identity<cuda>{});
  CHECK(relative_error(found.first, expected.first) < 1e-4);
  CHECK(relative_error(found.second, expected.second) < 1e-3);
}

template <class Network>
void check_prediction_against_cpu(precision numbers, double within) {
  const auto w = weights<Network>::random(5);
  session<Network, cuda> on_gpu{w, 8, 12, {.batch = 3, .numbers = numbers}};
  session<Network> on_cpu{w, 8, 12, {.batch = 3}};
  const auto images = drawn<float>(2, on_cpu.input(), 1);
  CHECK(relative_error(on_gpu.predict(images), on_cpu.predict(images)) < within);
  on_gpu.set_weights(weights<Network>::random(6));
  on_cpu.set_weights(weights<Network>::random(6));
  CHECK(relative_error(on_gpu.logits(images), on_cpu.logits(images)) < within);
}

}  // namespace

TEST_CASE("training whole networks on the GPU agrees with the reference", "[cuda]") {
  check_step_against_cpu<networks::small_unet>();
  check_step_against_cpu<networks::unjoined>();
  check_step_against_cpu<networks::rewired>();
  check_step_against_cpu<networks::odd_ones>();
  check_step_against_cpu<networks::attentive>();
  check_step_against_cpu<networks::squared>();
}

TEST_CASE("predicting on the GPU agrees with the CPU", "[cuda]") {
  check_prediction_against_cpu<networks::small_unet>(precision::fp32, 1e-4);
  check_prediction_against_cpu<networks::attentive>(precision::fp32, 1e-4);
  check_prediction_against_cpu<networks::odd_ones>(precision::fp32, 1e-4);
  check_prediction_against_cpu<networks::small_unet>(precision::tf32, 1e-2);
  check_prediction_against_cpu<networks::small_unet>(precision::bf16, 5e-2);
  check_prediction_against_cpu<networks::small_unet>(precision::fp16, 5e-3);
}

TEST_CASE("what a session on the GPU was given may change as soon as a call returns", "[cuda]") {
  const auto w = weights<networks::small_unet>::random(5);
  const auto gradients = [&](bool changes) {
    training_session<networks::small_unet, cuda> session{8, 12, {.batch = 2, .numbers = precision::fp32}};
    xt::xtensor<float, 4> dlogits = drawn<float>(2, session.output(), 2), logits;
    session.forward(w.values(), drawn<float>(2, session.input(), 1), logits, {11});
    session.backward(w.values(), dlogits);
    if (changes) { dlogits.fill(0); }
    const auto all = session.gradients();
    return std::vector<float>(all.begin(), all.end());
  };
  CHECK((gradients(true) == gradients(false)));
}

// What PyTorch's networks learn in a step; see models/paper_test.cpp for how near gradients in float can come.
TEST_CASE("the paper's models learn on the GPU what PyTorch's learn in a step", "[cuda][golden]") {
  golden::check_step<cuda>("unet8", unet8{}, 64, 0.03);
  golden::check_step<cuda>("resunet", resunet{}, 32, 0.03);
  golden::check_step<cuda>("linknet_effb3", linknet_effb3{}, 64, 0.03);
}

TEST_CASE("a session on the GPU takes what fits it, in a sentence", "[cuda]") {
  training_session<networks::small_unet, cuda> session{8, 12, {.batch = 2}};
  const auto w = weights<networks::small_unet>::random(1);
  xt::xtensor<float, 4> logits;
  CHECK_THROWS_WITH(session.forward(w.values(), drawn<float>(3, {1, 8, 12}, 1), logits, {1}),
                    "images are [3,1,8,12]; this session takes [1 to 2,1,8,12]");
  CHECK_THROWS_WITH(session.backward(w.values(), drawn<float>(2, {1, 8, 12}, 1)),
                    "backward without a forward pass of its own: call forward before each");
  session.forward(w.values(), drawn<float>(2, {1, 8, 12}, 1), logits, {1});
  CHECK(session.first_non_finite(w.values(), drawn<float>(2, {1, 8, 12}, 1)).empty());
}

TEST_CASE("what fails while it is recorded leaves a stream that runs", "[cuda]") {
  gpu::stream in;
  void* memory = gpu::allocate(sizeof(int));
  CHECK_THROWS_WITH(gpu::recording::of(in,
                                       [&] {
                                         in.clear(memory, sizeof(int));
                                         fail("no such layer");
                                       }),
                    "no such layer");
  const int sent = 7;
  int received = 0;
  in.copy_to_device(memory, &sent, sizeof sent);
  in.copy_to_host(&received, memory, sizeof received);
  in.wait();
  gpu::release(memory);
  CHECK(received == sent);
}
