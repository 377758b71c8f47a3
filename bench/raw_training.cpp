// Trains unet16 on a batch of four images of 256×256 with nothing but segx: the program whose memory the benchmark
// reports.
//
//   raw_training     three steps on noise; prints the last loss and the peak of its memory

#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <span>

#include <segx/core/random.hpp>
#include <segx/losses/bce.hpp>
#include <segx/losses/combine.hpp>
#include <segx/losses/jaccard.hpp>
#include <segx/models/unet.hpp>
#include <segx/optim/adam.hpp>
#include <segx/runtime/training_session.hpp>

int main() {
  auto learned = segx::weights<segx::unet16>::random(1);
  const std::span<float> learnable = learned.learnable();
  segx::training_session<segx::unet16::at<256, 256>> network{{.batch = 4}};
  segx::adam optimizer{{.learning_rate = 1e-4}, learnable.size()};
  constexpr auto loss = segx::bce + segx::jaccard;

  auto images = xt::xtensor<float, 4>::from_shape({4, 1, 256, 256});
  segx::random_generator draw{1};
  for (float& v : images) { v = static_cast<float>(draw.uniform()); }
  auto masks = images, logits = images, dlogits = images;
  for (float& v : masks) { v = v > 0.5F ? 1 : 0; }

  double last = 0;
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    network.forward(learned.values(), images, logits, {.seed = seed});
    last = loss(logits, masks, dlogits);
    network.clear_gradients();
    network.backward(learned.values(), dlogits);
    optimizer.step(learnable, network.slopes());
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"loss\": %.6f, \"peak_rss_mb\": %.1f}\n", last, static_cast<double>(usage.ru_maxrss) / 1024);
}
