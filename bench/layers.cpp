// Times every layer of unet16 on images of 256×256, forward and backward, each for itself:   layers [IMAGES] [RUNS]
//
// One thread, processor time, median of RUNS after a warm-up, and how far the middle half of the runs lies apart. A
// layer runs in memory of its own, so that nothing of what it reads is in a cache because the layer before it left it
// there (large tensors) or all of it is (small ones): a whole network differs from the sum of these lines.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include <segx/core/random.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/models/unet.hpp>
#include <segx/runtime/buffer.hpp>
#include <segx/runtime/program.hpp>

using namespace segx;

/// Numbers in ±1.
static buffer<float> noise(std::int64_t size, std::uint64_t seed) {
  buffer<float> values(static_cast<std::size_t>(size));
  random_generator draw{seed};
  for (float& v : values.span()) { v = static_cast<float>(2 * draw.uniform() - 1); }
  return values;
}

struct timing {
  double median = 0, spread = 0;  // seconds; the spread between the quartiles
};

template <class Work>
static timing time_of(int runs, Work&& work) {
  work();
  std::vector<double> seconds;
  for (int run = 0; run < runs; ++run) {
    const std::clock_t start = std::clock();
    work();
    seconds.push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  std::sort(seconds.begin(), seconds.end());
  const std::size_t count = seconds.size();
  return {seconds[count / 2], seconds[count * 3 / 4] - seconds[count / 4]};
}

int main(int argc, char** argv) {
  const int images = argc > 1 ? std::atoi(argv[1]) : 4;
  const int runs = argc > 2 ? std::atoi(argv[2]) : 11;
  if (images < 1 || runs < 1) {
    std::fprintf(stderr, "usage: %s [IMAGES] [RUNS], both at least 1\n", argv[0]);
    return 2;
  }

  cpu on{1};
  const program<cpu> what = static_plan<unet16::at<256, 256>, cpu, purpose::training>::get();
  std::printf("unet16 at 256x256, %d images, 1 thread, median of %d runs (half of them within ±)\n", images, runs);
  std::printf("%-20s %-16s %10s %8s %8s %10s %8s %8s\n", "layer", "output", "forward ms", "+-", "GFLOP/s", "backward",
              "+-", "GFLOP/s");

  double forward_sum = 0;
  double backward_sum = 0;
  for (std::size_t i = 1; i < what.nodes.size(); ++i) {
    const auto& node = what.nodes[i];
    if (what.joined[i]) { continue; }  // its inputs are written into its memory at once: nothing to do

    const auto floats = [](shape s) { return cpu::memory.floats(s); };
    const auto memory = [&](shape s, std::uint64_t seed) { return noise(images * floats(s), seed); };
    const auto as_view = [&](const buffer<float>& of, shape s) { return view<float>{of.data(), images, floats(s), s}; };
    const shape from = what.nodes[node.inputs[0]].output;
    const bool is_first = node.inputs[0] == 0;  // nobody wants the gradient of the image

    const buffer<float> x = memory(from, 1), y = memory(node.output, 2), dy = memory(node.output, 3),
                        dx = memory(from, 4);
    std::int64_t learnables = 0;
    for (int p = 0; p < node.parameter_count; ++p) { learnables += node.parameters[p].size(); }
    const buffer<float> weights = noise(learnables, 5);
    const buffer<float> gradients(static_cast<std::size_t>(learnables));
    const buffer<float> packed(static_cast<std::size_t>(node.needs.packed));
    const buffer<float> packed_backward(static_cast<std::size_t>(node.needs.packed_backward));
    const std::int64_t scratch_floats = std::max(node.needs.scratch, node.needs.scratch_backward);
    const buffer<float> scratch(static_cast<std::size_t>(scratch_floats));

    forward_pass<float> f{.y = as_view(y, node.output), .packed = packed.data(), .then = node.then, .seed = 1};
    backward_pass<float> b{
        .y = as_view(y, node.output), .dy = as_view(dy, node.output), .packed = packed_backward.data()};
    f.scratch = b.scratch = {scratch.data(), scratch_floats};
    f.x[0] = b.x[0] = as_view(x, from);
    if (!is_first) { b.dx[0] = as_view(dx, from); }
    std::int64_t start = 0;
    for (int p = 0; p < node.parameter_count; ++p) {
      f.parameters[p] = b.parameters[p] = weights.data() + start;
      b.dparameters[p] = gradients.data() + start;
      start += node.parameters[p].size();
    }
    if (node.op.pack != nullptr) {
      node.op.pack(on, {from, node.output, f.parameters, packed.data(), packed_backward.data()});
    }

    const timing forward = time_of(runs, [&] { node.op.forward(on, f); });
    const timing backward = time_of(runs, [&] {
      if (!node.then.empty()) { epilogue_backward(on, node.then, b.y, b.dy, 1U); }
      node.op.backward(on, b);
    });
    forward_sum += forward.median;
    backward_sum += backward.median;
    const double work = 2e-9 * static_cast<double>(node.macs) * images;  // GFLOP of the direct method, forward
    std::printf("%-20s [%3d,%3d,%3d]    %10.2f %8.2f %8.1f %10.2f %8.2f %8.1f\n", node.name.text, node.output.channels,
                node.output.height, node.output.width, 1e3 * forward.median, 1e3 * forward.spread,
                work / forward.median, 1e3 * backward.median, 1e3 * backward.spread,
                (is_first ? 1 : 2) * work / backward.median);
  }
  std::printf("%-37s %10.2f %28.2f\n", "sum", 1e3 * forward_sum, 1e3 * backward_sum);
}
