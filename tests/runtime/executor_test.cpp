#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <segx/runtime/executor.hpp>
#include <segx/runtime/transfer.hpp>
#include <segx/runtime/weights.hpp>

#include "cases/backends.hpp"
#include "cases/networks.hpp"

using namespace segx;

namespace {

/// The same program, with memory of its own for every value and every gradient: nothing is joined in place, streamed or
/// overwritten.
template <int Capacity, class Op>
memory_plan<Capacity> without_reuse(const graph<Capacity, Op>& g, layout memory, memory_plan<Capacity> plan) {
  plan.image = 0;
  plan.joined = {};
  plan.streamed = {};
  const auto next = [&](int i) {
    const std::int64_t offset = plan.image;
    plan.image += detail::aligned(memory.floats(g.nodes[i].output)) + 16;
    return offset;
  };
  for (int i = 0; i < g.size; ++i) {
    plan.value[i] = next(i);
    plan.gradient[i] = next(i);
    plan.kept[i] = plan.image;
    plan.image += detail::aligned(g.nodes[i].needs.kept);
  }
  return plan;
}

struct outcome {
  std::vector<double> logits, gradients;
};

template <class Backend>
outcome run(Backend& on, const program<Backend>& what, purpose why, int threads,
            std::span<const typename Backend::scalar> w) {
  using scalar = typename Backend::scalar;
  constexpr int batch = 2;
  executor<Backend> run{on, what, batch, threads};
  random_generator random{3};
  const auto drawn = [&](shape s) {
    std::vector<scalar> values(static_cast<std::size_t>(batch * s.size()));
    for (scalar& v : values) { v = static_cast<scalar>(random.uniform() - 0.5); }
    return values;
  };
  if (why != purpose::training) { run.pack(w); }
  copy_in(on, drawn(what.input()).data(), run.value(0, batch));
  run.forward(w, batch, {7});
  std::vector<scalar> logits(static_cast<std::size_t>(batch * what.output().size()));
  copy_out(on, run.value(run.last(), batch), activation::none, logits.data());
  std::vector<scalar> gradients(w.size());
  if (why == purpose::training) {
    copy_in(on, drawn(what.output()).data(), run.gradient(run.last(), batch));
    run.backward(w, gradients, batch, {7});
  }
  return {{logits.begin(), logits.end()}, {gradients.begin(), gradients.end()}};
}

template <class Network, class TestBackend>
void compare_with_plan_without_reuse(purpose why, int height = 8, int width = 12) {
  using backend = typename TestBackend::type;
  auto on = TestBackend::make();
  const auto lowered = lower(Network::template composed<operation<backend>>(height, width), why);
  const auto memory = plan_memory(lowered.body, backend::memory, why);
  const auto spread = without_reuse(lowered.body, backend::memory, memory);
  REQUIRE(spread.image > memory.image);
  const auto w = weights<Network, typename backend::scalar>::random(5);
  const outcome planned = run(on, make_program<backend>(lowered, memory, why), why, 3, w.values());
  const outcome plain = run(on, make_program<backend>(lowered, spread, why), why, 3, w.values());
  CHECK(planned.logits == plain.logits);
  CHECK(planned.gradients == plain.gradients);
  CHECK(std::any_of(plain.logits.begin(), plain.logits.end(), [](double v) { return v != 0; }));
}

}  // namespace

SEGX_BACKEND_TEST("a planned arena gives what memory without reuse gives", "[runtime]") {
  std::apply(
      [](auto... network) {
        (compare_with_plan_without_reuse<decltype(network), TestType>(purpose::inference), ...);
        (compare_with_plan_without_reuse<decltype(network), TestType>(purpose::training), ...);
        (compare_with_plan_without_reuse<decltype(network), TestType>(purpose::sampling), ...);
      },
      networks::all{});
  compare_with_plan_without_reuse<networks::narrowing_much, TestType>(purpose::inference, 150, 1);
}

TEST_CASE("the test networks are planned in every way", "[runtime]") {
  const auto plan = [](auto network, purpose why) {
    const auto lowered = lower(decltype(network)::template composed<operation<cpu>>(8, 12), why);
    const auto memory = plan_memory(lowered.body, cpu::memory, why);
    int joins = 0;
    for (int i = 0; i < lowered.body.size; ++i) { joins += lowered.body.nodes[i].facts.joins_channels ? 1 : 0; }
    const auto count = [](const auto& flags) { return static_cast<int>(std::count(flags.begin(), flags.end(), true)); };
    return std::array{joins, count(memory.joined), count(memory.in_place)};
  };
  using enum purpose;
  CHECK(plan(networks::small_unet{}, training) == std::array{2, 2, 0});
  CHECK(plan(networks::unjoined{}, training) == std::array{1, 0, 1});
  CHECK(plan(networks::rewired{}, inference) == std::array{2, 1, 1});
  CHECK(plan(networks::odd_ones{}, training) == std::array{2, 0, 1});
  CHECK(plan(networks::attentive{}, training) == std::array{1, 0, 1});
  CHECK(plan(networks::attentive{}, inference) == std::array{1, 0, 2});

  const auto streamed = [](auto network, purpose why) {
    const auto lowered = lower(decltype(network)::template composed<operation<cpu>>(8, 12), why);
    const auto memory = plan_memory(lowered.body, cpu::memory, why);
    std::vector<std::string> names;
    for (int i = 0; i < lowered.body.size; ++i) {
      if (memory.streamed[i]) { names.push_back(lowered.body.nodes[i].name.text); }
    }
    return names;
  };
  CHECK(streamed(networks::streaming{}, training).empty());
  CHECK(streamed(networks::streaming{}, inference) ==
        std::vector<std::string>{"conv2d_2", "channel_scale", "conv2d_7", "conv2d_9"});
  CHECK(streamed(networks::narrowing{}, inference) == std::vector<std::string>{"conv2d_2"});
}
