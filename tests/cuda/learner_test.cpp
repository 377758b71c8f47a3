#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <segx/cuda/learner.hpp>
#include <segx/cuda/training_bytes.hpp>
#include <segx/data/phantom.hpp>
#include <segx/layers/batch_norm2d.hpp>
#include <segx/layers/softmax.hpp>
#include <segx/losses/parse.hpp>
#include <segx/models/unet.hpp>
#include <segx/optim/sgd.hpp>
#include <segx/testing/compare.hpp>
#include <segx/train/trainer.hpp>

#include "cases/backends.hpp"
#include "cases/networks.hpp"
#include "cases/tensors.hpp"
#include "temporary_folder.hpp"

using namespace segx;
using segx::testing::relative_error;

namespace {

/// Dropout, joins, batch norms with running statistics.
struct learns
    : network<input<1>, chain<unet<8, 16>, named<"norm", batch_norm2d<>>, relu, named<"head", conv1x1<1>>, sigmoid>> {};
struct tells_apart : network<input<2>, chain<unet<8, 16>, named<"head", conv1x1<3>>, softmax>> {};

batch drawn_batch(int images, shape in, int classes, bool exclusive, std::uint64_t seed) {
  batch b;
  b.images = drawn<float>(images, in, seed);
  b.masks = drawn<float>(images, {classes, in.height, in.width}, seed + 1);
  const std::size_t plane = static_cast<std::size_t>(in.plane());
  for (int n = 0; n < images; ++n) {
    for (std::size_t i = 0; i < plane; ++i) {
      float* first = b.masks.data() + static_cast<std::size_t>(n * classes) * plane + i;
      if (exclusive) {
        const auto label = static_cast<int>((first[0] + 0.5F) * static_cast<float>(classes + 1)) - 1;  // −1: ignored
        for (int k = 0; k < classes; ++k) { first[static_cast<std::size_t>(k) * plane] = k == label ? 1 : 0; }
      } else {
        for (int k = 0; k < classes; ++k) {
          float& value = first[static_cast<std::size_t>(k) * plane];
          value = value > 0.1F ? 1 : 0;
        }
      }
    }
  }
  b.indices.assign(static_cast<std::size_t>(images), 0);
  return b;
}

/// By SGD: Adam makes a whole step of a gradient that is nothing but rounding.
recipe usual() { return {.height = 16, .width = 12, .optimizer = "sgd", .learning_rate = 0.05, .batch = 3, .seed = 4}; }

struct trained {
  std::vector<double> losses;
  std::vector<float> weights, average;
  confusion pixels;
};

/// Four steps, each of batches of three and two images, with dropout in the first ones.
template <class Network, class Backend>
trained train(const recipe& r, precision numbers, bool exclusive, bool deterministic = true) {
  const Network network;
  learner<Network, Backend> l{network,
                              r,
                              parse_loss(r.loss),
                              make_optimizer(r.optimizer, static_cast<std::size_t>(Network::parameter_count),
                                             {.learning_rate = r.learning_rate, .weight_decay = r.weight_decay}),
                              {1, 1, numbers, deterministic}};
  trained t;
  const shape in{Network::channels, r.height, r.width};
  for (int step = 0; step < 4; ++step) {
    const auto seed = static_cast<std::uint64_t>(step);
    const batch first = drawn_batch(3, in, Network::classes, exclusive, 10 + seed);
    const batch second = drawn_batch(2, in, Network::classes, exclusive, 20 + seed);
    const dropout_draw drawn{static_cast<std::uint32_t>(step), step < 2 ? 1.0F : 0.0F};
    const label_kind labels = exclusive ? label_kind::exclusive : label_kind::overlapping;
    t.losses.push_back(l.add(first, 0.6, drawn));
    t.pixels += l.count(first, labels);
    t.losses.push_back(l.add(second, 0.4, drawn));
    t.pixels += l.count(second, labels);
    l.step(r.learning_rate / (step + 1));
  }
  if constexpr (std::is_same_v<Backend, cuda>) { CHECK(l.slow_convolutions() == 0); }
  t.weights.assign(l.current().values().begin(), l.current().values().end());
  t.average.assign(l.result().values().begin(), l.result().values().end());
  return t;
}

template <class Network>
void check_same_training(const recipe& r, bool exclusive, bool deterministic = true) {
  INFO(r.loss << ", " << r.optimizer);
  constexpr double within = 1e-3;
  const trained expected = train<Network, cpu>(r, precision::automatic, exclusive);
  const trained found = train<Network, cuda>(r, precision::fp32, exclusive, deterministic);
  CHECK(relative_error(found.losses, expected.losses) < 1e-4);
  CHECK(relative_error(found.weights, expected.weights) < within);
  CHECK(relative_error(found.average, expected.average) < within);
  const auto near = [](std::int64_t a, std::int64_t b) { return std::abs(a - b) <= 3; };  // logits about 0
  CHECK(near(found.pixels.true_positive, expected.pixels.true_positive));
  CHECK(near(found.pixels.false_positive, expected.pixels.false_positive));
  CHECK(near(found.pixels.false_negative, expected.pixels.false_negative));
  CHECK(near(found.pixels.true_negative, expected.pixels.true_negative));
}

}  // namespace

TEST_CASE("a training on the GPU gives the weights of the CPU", "[cuda]") {
  for (const char* loss : {"bce+jaccard", "0.5*focal(gamma=1.5)+dice(over=image)", "tversky(over=plane,smooth=1)",
                           "focal_tversky(smooth=1)+bce(pos_weight=2,smoothing=0.1)", "lovasz_hinge+bce"}) {
    recipe r = usual();
    r.loss = loss;
    check_same_training<learns>(r, false);
  }
}

TEST_CASE("… and by the algorithms that measure fastest", "[cuda]") {
  recipe r = usual();
  r.loss = "bce+jaccard";
  check_same_training<learns>(r, false, false);
}

TEST_CASE("… and with classes that exclude each other", "[cuda]") {
  for (const char* loss :
       {"cross_entropy(weights=[1,2,3],smoothing=0.1)", "softmax_focal+softmax_dice(background=no)",
        "cross_entropy+0.3*softmax_jaccard(over=channel)", "softmax_tversky(over=plane,background=no)"}) {
    recipe r = usual();
    r.loss = loss;
    check_same_training<tells_apart>(r, true);
  }
}

TEST_CASE("optimizers, clipping and the moving average are those of the CPU", "[cuda]") {
  for (const char* optimizer : {"adam", "adamw", "sgd"}) {
    recipe r = usual();
    r.optimizer = optimizer;
    r.weight_decay = 0.1;
    r.average = 0.9;
    r.clip_norm = 0.1;
    r.clip_value = 0.05;
    r.learning_rate_factors = {{"bottleneck", 0.5}, {"encoder", 0}};
    check_same_training<learns>(r, false);
  }
}

TEST_CASE("losses of segx are computed on the GPU, others on the host", "[cuda]") {
  const auto known = [](const char* text, int classes) {
    return gpu::loss_program_of(parse_loss(text), classes).has_value();
  };
  CHECK(known("bce+0.5*(jaccard+2*dice)", 1));
  CHECK(known("cross_entropy+softmax_dice", 3));
  CHECK_FALSE(known("cross_entropy", 1));
  CHECK_FALSE(known("bce+lovasz_hinge", 1));
  CHECK_FALSE(known("border_weight*bce", 1));
  CHECK_FALSE(known("bce", 17));
  CHECK_FALSE(known("bce(pos_weight=[1,2])", 3));
  CHECK_FALSE(known("dice(background=no)", 1));
  const auto p = gpu::loss_program_of(parse_loss("bce+0.5*(jaccard+2*dice(smooth=1))"), 1);
  REQUIRE(p.has_value());
  CHECK(p->overlap_losses == 2);
  CHECK(p->of_sets[1].factor == 1);
  CHECK(p->of_sets[1].smooth == 0.5);
}

TEST_CASE("losses of more planes than a block has threads are those of the CPU", "[cuda]") {
  constexpr int images = 70, classes = 4;
  const shape extent{classes, 3, 5};
  const batch b = drawn_batch(images, extent, classes, true, 3);
  const xt::xtensor<float, 4> logits = drawn<float>(images, extent, 7);
  const std::size_t values = logits.size();
  const shared_buffer<float> targets(values), in_planes(values), x(values), dx(values), found(values);
  std::copy(b.masks.data(), b.masks.data() + values, targets.data());
  std::copy(logits.data(), logits.data() + values, in_planes.data());
  const shared_buffer<double> memory(static_cast<std::size_t>(gpu::doubles_of_loss(images, classes)));
  const shared_buffer<gpu::step_memory> step(1);
  *step.data() = {.values = {.targets = targets.data(), .share = 0.5F}, .status = {}, .result = {}};
  cuda on{precision::fp32};
  on.read_step(&step.data()->values, &step.data()->status);
  const gpu::tensor z{x.data(), images, extent, classes}, dz{dx.data(), images, extent, classes};
  for (const char* text :
       {"cross_entropy(weights=[1,2,3,1])+softmax_dice(background=no)", "softmax_tversky(over=plane)",
        "bce+dice(over=image)+2*jaccard(over=channel)+tversky(over=batch)"}) {
    INFO(text);
    const any_loss loss = parse_loss(text);
    gpu::load_batch(on.work(), in_planes.data(), z);
    gpu::loss(on.work(), *gpu::loss_program_of(loss, classes), z, dz, memory.data(), &step.data()->result);
    gpu::store_batch(on.work(), dz, activation::none, found.data());
    on.in.wait();
    xt::xtensor<float, 4> dlogits = xt::zeros_like(logits);
    const double expected = loss(logits, b.masks, dlogits, 0.5);
    CHECK(step.data()->result.loss == Approx(expected).epsilon(1e-6));
    CHECK(relative_error(std::span<const float>{found.data(), values}, std::span<const float>{dlogits.data(), values}) <
          1e-5);
  }
}

TEST_CASE("mixed precision trains as float32 does, nearly", "[cuda]") {
  const trained exact = train<learns, cuda>(usual(), precision::fp32, false);
  for (const precision numbers : {precision::tf32, precision::bf16, precision::fp16}) {
    const trained found = train<learns, cuda>(usual(), numbers, false);
    CHECK(relative_error(found.losses, exact.losses) < 0.02);
  }
}

TEST_CASE("gradients that float16 does not hold halve the scale and move nothing", "[cuda]") {
  recipe r = usual();
  r.loss = "1000000*bce";
  const batch b = drawn_batch(3, {1, 16, 12}, 1, false, 5);
  learner<learns, cuda> l{
      {}, r, parse_loss(r.loss), make_optimizer("sgd", learns::parameter_count), {1, 1, precision::fp16}};
  const std::vector<float> start(l.current().values().begin(), l.current().values().end());
  l.add(b, 1, {});
  l.step(0.1);
  CHECK(std::equal(start.begin(), start.end(), l.current().values().begin()));
  checkpoint state;
  l.save(state);
  CHECK(state.get<double>("loss_scale") == 32768);
  CHECK(state.get<std::int64_t>("optimizer_steps") == 0);  // it does not count
}

namespace {

/// SGD whose rule it keeps to itself.
struct sgd_of_the_host {
  static constexpr std::string_view name = "sgd_of_the_host";
  sgd by;

  void step(std::span<float> weights, std::span<const float> gradients) { by.step(weights, gradients); }
  void set_groups(std::vector<parameter_group> groups) { by.set_groups(std::move(groups)); }
  std::span<float> state() { return by.state(); }
  std::int64_t steps() const { return by.steps(); }
  void set_steps(std::int64_t steps) { by.set_steps(steps); }
  double learning_rate() const { return by.learning_rate(); }
  void set_learning_rate(double rate) { by.set_learning_rate(rate); }
};

}  // namespace

TEST_CASE("an optimizer that only the host knows moves weights as one that the GPU knows", "[cuda]") {
  recipe r = usual();
  r.average = 0.9;
  const sgd same{{.learning_rate = 0.05, .momentum = 0.9}, static_cast<std::size_t>(learns::parameter_count)};
  const auto train_by = [&](any_optimizer by) {
    learner<learns, cuda> l{{}, r, parse_loss(r.loss), std::move(by), {1, 1, precision::fp32}};
    for (int step = 0; step < 3; ++step) {
      l.add(drawn_batch(3, {1, 16, 12}, 1, false, 30 + static_cast<std::uint64_t>(step)), 1, {});
      l.step(0.05);
    }
    std::vector<float> values(l.current().values().begin(), l.current().values().end());
    values.insert(values.end(), l.result().values().begin(), l.result().values().end());
    return values;
  };
  CHECK(relative_error(train_by(sgd_of_the_host{same}), train_by(same)) < 1e-5);
}

TEST_CASE("… and adapts the scale of float16", "[cuda]") {
  recipe r = usual();
  r.loss = "10000*bce";
  learner<learns, cuda> l{{},
                          r,
                          parse_loss(r.loss),
                          sgd_of_the_host{{{.learning_rate = 0.1}, static_cast<std::size_t>(learns::parameter_count)}},
                          {1, 1, precision::fp16}};
  const std::vector<float> start(l.current().values().begin(), l.current().values().end());
  const auto scale_after_a_step = [&] {
    l.add(drawn_batch(3, {1, 16, 12}, 1, false, 5), 1, {});
    l.step(1e-6);
    checkpoint state;
    l.save(state);
    return state.get<double>("loss_scale");
  };
  CHECK(scale_after_a_step() == 32768);
  CHECK(std::equal(start.begin(), start.end(), l.current().values().begin()));
  double scale = 32768;
  for (int step = 0; step < 20; ++step) { scale = scale_after_a_step(); }
  CHECK(scale == scale_after_a_step());  // it fits now, and weights move
  CHECK_FALSE(std::equal(start.begin(), start.end(), l.current().values().begin()));
}

TEST_CASE("the time in which the GPU waits lies between an end of work and the next begin", "[cuda]") {
  gpu::stream work;
  gpu::idle_clock idle;
  const auto wait_a_little = [] { std::this_thread::sleep_for(std::chrono::milliseconds{20}); };
  idle.begin_of_work(work);  // nothing ended before
  wait_a_little();
  idle.end_of_work(work);
  work.wait();
  idle.read();
  CHECK(idle.seconds() == 0);

  wait_a_little();
  idle.begin_of_work(work);
  idle.end_of_work(work);
  wait_a_little();
  idle.begin_of_work(work);
  work.wait();
  idle.read();
  const double both = idle.seconds();
  CHECK(both >= 0.038);
  CHECK(both < 10);

  idle.end_of_work(work);
  idle.interrupt();
  wait_a_little();
  idle.begin_of_work(work);
  work.wait();
  idle.read();
  CHECK(idle.seconds() == both);
}

TEST_CASE("an optimizer goes on with the moments that it brings along", "[cuda]") {
  const recipe r = usual();
  const batch b = drawn_batch(3, {1, 16, 12}, 1, false, 5);
  const auto next_weights = [&]<class Backend>(std::type_identity<Backend>) {
    any_optimizer moved = make_optimizer("sgd", learns::parameter_count, {.momentum = 0.9});
    std::fill(moved.state().begin(), moved.state().end(), 0.25F);
    moved.set_steps(3);
    learner<learns, Backend> l{{}, r, parse_loss("bce"), std::move(moved), {1, 1, precision::fp32}};
    l.add(b, 1, {});
    l.step(0.01);
    return std::vector<float>(l.current().values().begin(), l.current().values().end());
  };
  const std::vector<float> expected = next_weights(std::type_identity<cpu>{});
  CHECK(relative_error(next_weights(std::type_identity<cuda>{}), expected) < 1e-5);
}

TEST_CASE("a learner on the GPU takes batches that fit it, in a sentence", "[cuda]") {
  learner<learns, cuda> l{
      {}, usual(), parse_loss("bce"), make_optimizer("sgd", learns::parameter_count), {1, 1, precision::fp32}};
  const auto add = [&](int images, shape in, shape of_masks) {
    batch b = drawn_batch(images, in, 1, false, 5);
    b.masks = drawn<float>(images, of_masks, 1);
    l.add(b, 1, {});
  };
  CHECK_THROWS_WITH(add(4, {1, 16, 12}, {1, 16, 12}), "images are [4,1,16,12]; this session takes [1 to 3,1,16,12]");
  CHECK_THROWS_WITH(add(2, {1, 32, 12}, {1, 32, 12}), "images are [2,1,32,12]; this session takes [1 to 3,1,16,12]");
  CHECK_THROWS_WITH(add(2, {1, 16, 12}, {2, 16, 12}),
                    "masks are [2,2,16,12]; the network makes [2,1,16,12] of these images");
  add(3, {1, 16, 12}, {1, 16, 12});
}

TEST_CASE("a training on the GPU that diverges says where", "[cuda]") {
  recipe r = usual();
  const batch b = drawn_batch(3, {1, 16, 12}, 1, false, 5);
  learner<learns, cuda> l{{},
                          r,
                          parse_loss(r.loss),
                          make_optimizer("sgd", learns::parameter_count, {.learning_rate = 1e30}),
                          {1, 1, precision::fp32}};
  const auto diverge = [&] {
    for (int i = 0; i < 5; ++i) {
      l.add(b, 1, {});
      l.step(1e30);
    }
  };
  CHECK_THROWS_AS(diverge(), divergence);
}

TEST_CASE("a trainer on the GPU resumes bit for bit", "[cuda]") {
  const temporary_folder folder;
  write_phantoms(folder.path(), 8, 32, 5);
  const dataset data = scan_folder(folder.path());
  const split parts = split_by_fraction(data, 0.25, 1);
  recipe r{.model = "learns",
           .height = 32,
           .width = 32,
           .learning_rate = 0.01,
           .epochs = 3,
           .batch = 4,
           .average = 0.9,
           .seed = 3};
  const auto run = [&](const std::string& name, int steps_before_stop) {
    int steps = 0;
    run_options options{.folder = folder / name, .threads = 1, .quiet = true};
    if (steps_before_stop > 0) {
      options.should_stop = [&] { return ++steps == steps_before_stop; };
      trainer<learns, cuda>{data, parts, r, bce + jaccard, options}.run();
      options.should_stop = [] { return false; };
      options.resume = true;
    }
    trainer<learns, cuda> t{data, parts, r, bce + jaccard, options};
    CHECK(training_bytes_of(std::type_identity<cuda>{}, r, learns{}, {.numbers = options.numbers}) ==
          static_cast<std::int64_t>(t.bytes()));
    CHECK(t.run().finished);
    return std::vector<float>(t.current_weights().values().begin(), t.current_weights().values().end());
  };
  CHECK(run("whole", 0) == run("resumed", 3));
}
