#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <segx/layers/batch_norm2d.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/training_session.hpp>
#include <segx/runtime/weights.hpp>
#include <segx/testing/compare.hpp>

#include "cases/backends.hpp"
#include "cases/networks.hpp"
#include "cases/tensors.hpp"

using namespace segx;
using segx::testing::relative_error;

namespace {

template <class Network, class T>
weights<Network, T> drawn_weights() {
  weights<Network, T> w;
  const auto values = weights<Network>::random(5);
  std::copy(values.values().begin(), values.values().end(), w.values().begin());
  random_generator random{6};
  for (const auto& array : w.arrays()) {  // biases that are not zero
    if (array.extents.size() == 1) {
      for (T& v : array.values) { v = static_cast<T>(static_cast<float>(random.uniform() - 0.5)); }
    }
  }
  return w;
}

template <class T>
struct step {
  xt::xtensor<T, 4> logits;
  std::vector<T> gradients;
};

constexpr int batch = 2;
constexpr int height = 8;
constexpr int width = 12;
constexpr std::uint32_t seed = 11;

/// One step of training: logits, and the gradients of Σ logits · r.
template <class Network, class TestBackend>
auto take_step() {
  using backend = typename TestBackend::type;
  using scalar = typename backend::scalar;
  training_session<Network, backend> session{height, width, {.batch = batch + 1, .threads = 3}};
  const auto w = drawn_weights<Network, scalar>();
  step<scalar> result;
  session.forward(w.values(), drawn<scalar>(batch, session.input(), 1), result.logits, {seed});
  session.backward(w.values(), drawn<scalar>(batch, session.output(), 2));
  result.gradients.assign(session.gradients().begin(), session.gradients().end());
  return result;
}

template <class Network>
void check_finite_differences() {
  using exact = reference<double>;
  training_session<Network, exact> session{height, width, {.batch = batch}};
  auto w = drawn_weights<Network, double>();
  const auto images = drawn<double>(batch, session.input(), 1);
  const auto r = drawn<double>(batch, session.output(), 2);
  xt::xtensor<double, 4> logits;
  const auto loss = [&] {
    session.forward(w.values(), images, logits, {seed});
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) { sum += logits.data()[i] * r.data()[i]; }
    return sum;
  };
  loss();
  session.backward(w.values(), r);
  const std::vector<double> analytic(session.gradients().begin(), session.gradients().end());

  constexpr double move = 1e-6;
  std::vector<double> numeric;
  std::vector<double> found;
  const std::size_t stride = 1 + w.values().size() / 60;
  for (std::size_t i = 0; i < w.values().size(); i += stride) {
    double& value = w.values()[i];
    const double kept = value;
    value = kept + move;
    const double above = loss();
    value = kept - move;
    const double below = loss();
    value = kept;
    numeric.push_back((above - below) / (2 * move));
    found.push_back(analytic[i]);
  }
  CHECK(relative_error(found, numeric) < 1e-6);
}

template <class Network, class TestBackend>
void check_against_double() {
  const auto expected = take_step<Network, reference_double>();
  const auto found = take_step<Network, TestBackend>();
  CHECK(relative_error(found.logits, expected.logits) < 1e-4);
  CHECK(relative_error(found.gradients, expected.gradients) < 1e-3);
}

}  // namespace

TEST_CASE("gradients of whole networks match finite differences", "[runtime][gradient]") {
  check_finite_differences<networks::small_unet>();
  check_finite_differences<networks::unjoined>();
  check_finite_differences<networks::rewired>();
  check_finite_differences<networks::odd_ones>();
  check_finite_differences<networks::attentive>();
  check_finite_differences<networks::squared>();
}

TEMPLATE_TEST_CASE("training whole networks agrees with the reference in double", "[runtime]", reference_float,
                   cpu_threads<3>) {
  check_against_double<networks::small_unet, TestType>();
  check_against_double<networks::unjoined, TestType>();
  check_against_double<networks::rewired, TestType>();
  check_against_double<networks::odd_ones, TestType>();
  check_against_double<networks::squared, TestType>();
}

TEST_CASE("gradients add up until they are cleared", "[runtime]") {
  training_session<networks::small_unet::at<height, width>> session{{.batch = batch}};
  const auto w = weights<networks::small_unet>::random(1);
  const auto images = drawn<float>(batch, session.input(), 1);
  const auto r = drawn<float>(batch, session.output(), 2);
  xt::xtensor<float, 4> logits;
  session.forward(w.values(), images, logits, {seed});
  session.backward(w.values(), r);
  const std::vector<float> once(session.gradients().begin(), session.gradients().end());

  session.forward(w.values(), images, logits, {seed});
  session.backward(w.values(), r);
  std::vector<float> twice = once;
  for (float& g : twice) { g *= 2; }
  CHECK(relative_error(session.gradients(), std::span{twice}) < 1e-6);

  session.clear_gradients();
  session.forward(w.values(), images, logits, {seed});
  session.backward(w.values(), r);
  CHECK(std::equal(once.begin(), once.end(), session.gradients().begin()));
}

TEST_CASE("the same seed gives the same step, bit for bit; another seed drops other values", "[runtime]") {
  const auto logits_of = [](std::uint32_t dropout_seed, int threads) {
    training_session<networks::small_unet> session{height, width, {.batch = batch, .threads = threads}};
    const auto w = weights<networks::small_unet>::random(1);
    xt::xtensor<float, 4> logits;
    session.forward(w.values(), drawn<float>(batch, session.input(), 1), logits, {dropout_seed});
    session.backward(w.values(), drawn<float>(batch, session.output(), 2));
    std::vector<float> all(logits.begin(), logits.end());
    all.insert(all.end(), session.gradients().begin(), session.gradients().end());
    return all;
  };
  CHECK(logits_of(1, 1) == logits_of(1, 1));
  CHECK(logits_of(1, 2) == logits_of(1, 2));
  CHECK(logits_of(1, 1) == logits_of(1, 3));
  CHECK(logits_of(1, 1) != logits_of(2, 1));
}

TEST_CASE("a batch may be smaller than the session's", "[runtime]") {
  const auto w = weights<networks::small_unet>::random(1);
  const auto one_of = [&](int session_batch) {
    training_session<networks::small_unet> session{height, width, {.batch = session_batch}};
    xt::xtensor<float, 4> logits;
    session.forward(w.values(), drawn<float>(3, session.input(), 1), logits, {seed});
    session.backward(w.values(), drawn<float>(3, session.output(), 2));
    return std::vector<float>(session.gradients().begin(), session.gradients().end());
  };
  CHECK(one_of(3) == one_of(8));
}

TEST_CASE("a layer whose result is not finite is named", "[runtime]") {
  training_session<networks::small_unet> session{height, width, {.batch = 1}};
  auto w = weights<networks::small_unet>::random(1);
  const auto images = drawn<float>(1, session.input(), 1);
  xt::xtensor<float, 4> logits;
  session.forward(w.values(), images, logits, {seed});
  CHECK(session.first_non_finite(w.values(), images) == "");
  for (const auto& array : w.arrays()) {
    if (array.name == "bottleneck.conv2.bias") { array.values[3] = std::numeric_limits<float>::infinity(); }
  }
  session.forward(w.values(), images, logits, {seed});
  CHECK(session.first_non_finite(w.values(), images) == "bottleneck.conv2");
}

TEST_CASE("training sessions refuse what does not fit, in a sentence", "[runtime]") {
  using Catch::Matchers::Message;
  training_session<networks::small_unet> session{height, width, {.batch = 2}};
  const auto w = weights<networks::small_unet>::random(1);
  xt::xtensor<float, 4> logits;
  const auto images = drawn<float>(2, {1, height, width}, 1);
  CHECK_THROWS_MATCHES(session.forward(w.values(), drawn<float>(3, {1, height, width}, 1), logits, {1}), error,
                       Message("images are [3,1,8,12]; this session takes [1 to 2,1,8,12]"));
  CHECK_THROWS_MATCHES(session.forward(w.values().first(100), images, logits, {1}), error,
                       Message("the weights are 100 values; this network has " + std::to_string(w.values().size())));
  CHECK_THROWS_MATCHES(session.backward(w.values(), images), error,
                       Message("backward without a forward pass of its own: call forward before each"));
  session.forward(w.values(), images, logits, {1});
  CHECK_THROWS_MATCHES(session.backward(w.values(), drawn<float>(1, {1, height, width}, 1)), error,
                       Message("gradients of logits are [1,1,8,12]; the last forward pass had [2,1,8,12]"));
  session.backward(w.values(), logits);
  CHECK_THROWS_MATCHES(session.backward(w.values(), logits), error,  // of values that gradients took the place of
                       Message("backward without a forward pass of its own: call forward before each"));
  CHECK_THROWS_AS((training_session<networks::small_unet>{height, width, {.batch = 0}}), error);
}

TEST_CASE("running statistics follow the batches, and are not the optimizer's", "[runtime]") {
  struct net : network<input<1>, chain<conv3x3<8>, batch_norm2d<>, relu, conv1x1<1>>> {};
  auto w = weights<net>::random(1);
  training_session<net> session{height, width, {.batch = batch}};
  CHECK(session.slopes().size() == w.learnable().size());
  const auto images = drawn<float>(batch, session.input(), 1);
  const auto dlogits = drawn<float>(batch, session.output(), 2);
  xt::xtensor<float, 4> logits, deployed;
  for (int step = 0; step < 200; ++step) {  // the weights stay, so the statistics come to those of the batch
    session.clear_gradients();
    for (int same = 0; same < 2; ++same) {
      session.forward(w.values(), images, logits, {});
      session.backward(w.values(), dlogits);
    }
    session.move_statistics(w.statistics(), 2);
  }
  segx::session<net>{w, height, width, {.batch = batch}}.logits(images, deployed);
  CHECK(relative_error(deployed, logits) < 0.02);  // running variances are divided by one pixel less
  CHECK_THROWS_AS(session.move_statistics(w.learnable()), error);
}
