// A loop of your own, over arrays in memory: how a recipe's learner is driven without folders of images. Usage:
// 07_own_loop OUT.safetensors.
#include <cstdio>
#include <exception>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xview.hpp>

#include <segx/core/random.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>
#include <segx/train/step.hpp>

namespace {

constexpr int size = 32;

/// Bright squares on noise, somewhere: images [N,1,32,32] in [0,1], masks [N,1,32,32] of 0 and 1.
segx::batch squares(std::size_t count, std::uint64_t seed) {
  segx::batch b{xt::zeros<float>({count, std::size_t{1}, std::size_t{size}, std::size_t{size}}), {}, {}};
  b.masks = b.images;
  segx::random_generator draw{seed};
  for (float& pixel : b.images) { pixel = static_cast<float>(0.6 * draw.uniform()); }
  for (std::size_t n = 0; n < count; ++n) {
    const auto top = static_cast<int>(draw.below(size / 2));
    const auto left = static_cast<int>(draw.below(size / 2));
    const auto square_in = [=](xt::xtensor<float, 4>& tensor) {
      return xt::view(tensor, n, 0, xt::range(top, top + size / 2), xt::range(left, left + size / 2));
    };
    square_in(b.images) += 0.4F;
    square_in(b.masks) = 1.0F;
  }
  return b;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s OUT.safetensors\n", argv[0]);
    return 2;
  }
  constexpr int epochs = 5;
  constexpr int steps = 10;  // of an epoch

  // What of a recipe a learner heeds: sizes, clipping, average, what is frozen, rates of parts. Loss, optimizer,
  // schedule and data are yours.
  const segx::recipe how{.height = size, .width = size, .clip_norm = 1, .batch = 8, .average = 0.9};
  segx::adamw optimizer{{.learning_rate = 3e-3}, static_cast<std::size_t>(segx::unet8::parameter_count)};
  segx::learner<segx::unet8> learner{{}, how, segx::bce + segx::jaccard, std::move(optimizer), {.threads = 0}};
  const segx::schedule rate = segx::parse_schedule("cosine", 0);

  for (int step = 0; step < epochs * steps; ++step) {
    const segx::batch b = squares(8, static_cast<std::uint64_t>(step));
    const double loss = learner.add(b, 1, {.seed = static_cast<std::uint32_t>(step)});
    const segx::confusion pixels = learner.count(b, segx::label_kind::binary);
    learner.step(rate(3e-3, {.step = step, .steps_per_epoch = steps, .epochs = epochs}));
    if (step % steps == 0) { std::printf("step %d: loss %.3f, IoU %.3f\n", step, loss, pixels.iou()); }
  }

  // The weights' moving average, judged on images that were not learned from, and kept.
  const segx::batch unseen = squares(4, 1000);
  segx::session<segx::unet8> judge{learner.result(), size, size, {.batch = 4}};
  const double loss = (segx::bce + segx::jaccard)(judge.logits(unseen.images), unseen.masks);
  std::printf("unseen squares: loss %.3f\n", loss);
  segx::save_weights(argv[1], learner.result(),
                     {.model = "squares", .height = size, .width = size, .classes = "square"});
  return loss < 0.5 ? 0 : 1;
} catch (const std::exception& wrong) {
  std::fprintf(stderr, "%s\n", wrong.what());
  return 1;
}
