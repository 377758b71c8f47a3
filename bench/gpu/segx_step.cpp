// Times training steps of segx on a GPU:  bench_gpu_step MODEL SIZE BATCH PRECISION [SECONDS]
//
// A step is forward, BCE + Jaccard, backward and Adam, on batches that the host brings anew each time, with the fastest
// algorithms of convolution, found by measuring. It takes steps for so many seconds, but at least ten. The line that it
// prints is JSON: `bytes` is what was planned and allocated, `device_bytes` what the GPU has less to give since the
// beginning, for whatever it was.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>

#include <segx/core/random.hpp>
#include <segx/cuda/driver.hpp>
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

constexpr int steps_to_warm_up = 8, least_steps = 10;

template <class Network>
void time_steps(const std::string& name, int size, int batch, const std::string& numbers, double wanted_seconds) {
  const std::int64_t free_at_first = segx::gpu::free_memory();
  const segx::recipe r{.model = name, .height = size, .width = size, .batch = batch};
  segx::learner<Network, segx::cuda> l{
      Network{},
      r,
      segx::bce + segx::jaccard,
      segx::make_optimizer("adam", static_cast<std::size_t>(Network::parameter_count), {.learning_rate = 1e-4}),
      {.batch = batch, .numbers = segx::parse_precision(numbers), .deterministic = false}};
  const segx::batch b = drawn(batch, Network::channels, size);
  int steps = 0;
  const auto step = [&] {
    l.add(b, 1, {.seed = static_cast<std::uint32_t>(steps)});
    l.step(1e-4);
    ++steps;
  };
  while (steps < steps_to_warm_up) { step(); }  // finds algorithms and records
  l.wait();
  steps = 0;
  const double idle_before = l.seconds_idle();
  const auto start = std::chrono::steady_clock::now();
  const auto seconds_since_start = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  while (steps < least_steps || seconds_since_start() < wanted_seconds) { step(); }
  l.wait();
  const double seconds = seconds_since_start();
  const double idle = l.seconds_idle() - idle_before;
  const std::int64_t taken = free_at_first - segx::gpu::free_memory();
  const auto composed = Network::composed(size, size);
  double macs = 0;
  for (const auto& node : composed.nodes) { macs += static_cast<double>(node.macs); }
  std::printf(
      "{\"who\": \"segx\", \"model\": \"%s\", \"size\": %d, \"batch\": %d, \"precision\": \"%s\", \"steps\": %d, "
      "\"images_per_second\": %.2f, \"bytes\": %zu, \"device_bytes\": %lld, \"idle\": %.4f, "
      "\"slow_convolutions\": %d, \"macs_per_image\": %.0f}\n",
      name.c_str(), size, batch, numbers.c_str(), steps, steps * batch / seconds, l.bytes(),
      static_cast<long long>(taken), idle / seconds, l.slow_convolutions(), macs);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: %s unet64|resunet|linknet-effb3 SIZE BATCH fp32|tf32|bf16|fp16 [SECONDS]\n", argv[0]);
    return 2;
  }
  const std::string name = argv[1];
  const int size = std::stoi(argv[2]), batch = std::stoi(argv[3]);
  const double seconds = argc == 6 ? std::stod(argv[5]) : 3;
  if (name == "unet64") {
    time_steps<segx::unet64>(name, size, batch, argv[4], seconds);
  } else if (name == "resunet") {
    time_steps<segx::resunet>(name, size, batch, argv[4], seconds);
  } else if (name == "linknet-effb3") {
    time_steps<segx::linknet_effb3>(name, size, batch, argv[4], seconds);
  } else {
    segx::fail("no model \"" + name + "\" here");
  }
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
