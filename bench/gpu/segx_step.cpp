// Times training steps of segx on a GPU:  bench_gpu_step MODEL SIZE BATCH PRECISION [STEPS]
//
// A step is forward, BCE + Jaccard, backward and Adam, on batches that the host brings anew each time. The line that it
// prints is JSON.

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

#include <segx/core/random.hpp>
#include <segx/cuda/learner.hpp>
#include <segx/losses/combine.hpp>
#include <segx/models/paper.hpp>

namespace {

segx::batch drawn(int images, int channels, int size) {
  segx::batch b;
  const auto extent = [size](int n, int c) {
    return segx::detail::extents_of(static_cast<std::size_t>(n), {c, size, size});
  };
  b.images.resize(extent(images, channels));
  b.masks.resize(extent(images, 1));
  segx::random_generator random{1};
  for (float& v : b.images) { v = static_cast<float>(random.uniform()); }
  for (float& v : b.masks) { v = random.below(2) == 0 ? 0.0F : 1.0F; }
  b.indices.assign(static_cast<std::size_t>(images), 0);
  return b;
}

template <class Network>
void time_steps(const std::string& name, int size, int batch, const std::string& numbers, int steps) {
  const segx::recipe r{.model = name, .height = size, .width = size, .batch = batch};
  segx::learner<Network, segx::cuda> l{
      Network{},
      r,
      segx::bce + segx::jaccard,
      segx::make_optimizer("adam", static_cast<std::size_t>(Network::parameter_count), {.learning_rate = 1e-4}),
      {batch, 1, segx::parse_precision(numbers)}};
  const segx::batch b = drawn(batch, Network::channels, size);
  const auto step = [&](int i) {
    l.add(b, 1, {.seed = static_cast<std::uint32_t>(i)});
    l.step(1e-4);
  };
  for (int i = 0; i < 5; ++i) { step(i); }  // finds algorithms and records
  l.current();                              // waits
  const double idle = l.seconds_idle();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < steps; ++i) { step(i); }
  const double idle_share = l.seconds_idle() - idle;
  l.current();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto composed = Network::composed(size, size);
  double macs = 0;
  for (const auto& node : composed.nodes) { macs += static_cast<double>(node.macs); }
  std::printf(
      "{\"who\": \"segx\", \"model\": \"%s\", \"size\": %d, \"batch\": %d, \"precision\": \"%s\", "
      "\"images_per_second\": "
      "%.2f, \"bytes\": %zu, \"idle\": %.4f, \"macs_per_image\": %.0f}\n",
      name.c_str(), size, batch, numbers.c_str(), steps * batch / seconds, l.bytes(), idle_share / seconds, macs);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: %s unet64|resunet|linknet-effb3 SIZE BATCH fp32|tf32|bf16|fp16 [STEPS]\n", argv[0]);
    return 2;
  }
  const std::string name = argv[1];
  const int size = std::stoi(argv[2]), batch = std::stoi(argv[3]), steps = argc == 6 ? std::stoi(argv[5]) : 50;
  if (name == "unet64") {
    time_steps<segx::unet64>(name, size, batch, argv[4], steps);
  } else if (name == "resunet") {
    time_steps<segx::resunet>(name, size, batch, argv[4], steps);
  } else if (name == "linknet-effb3") {
    time_steps<segx::linknet_effb3>(name, size, batch, argv[4], steps);
  } else {
    segx::fail("no model \"" + name + "\" here");
  }
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
