// Predicts from raw pixels with nothing but segx: the program whose size and memory the benchmark reports.
//
//   raw_pixels WEIGHTS INPUT.f32     256×256 floats; prints the mean probability and the peak of its memory

#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <numeric>

#include <segx/io/weight_file.hpp>
#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>

using lung_net = segx::unet16::at<256, 256>;
#ifdef SEGX_BENCH_PREFERS_MEMORY
using backend = segx::cpu_with<segx::convolution_policy::prefer_memory>;
#else
using backend = segx::cpu;
#endif

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s WEIGHTS INPUT.f32\n", argv[0]);
    return 2;
  }
  try {
    segx::session<lung_net, backend> lungs{segx::load_weights<segx::unet16>(argv[1]).values};
    auto image = xt::xtensor<float, 4>::from_shape({1, 1, 256, 256});
    const auto bytes = segx::read_file(argv[2]);
    if (bytes.size() != image.size() * sizeof(float)) { segx::fail("expected 256x256 floats"); }
    std::memcpy(image.data(), bytes.data(), bytes.size());
    const auto probability = lungs.predict(image);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("{\"mean\": %.6f, \"peak_rss_mb\": %.1f}\n",
                std::accumulate(probability.begin(), probability.end(), 0.0) / static_cast<double>(probability.size()),
                static_cast<double>(usage.ru_maxrss) / 1024);
  } catch (const segx::error& wrong) {
    std::fprintf(stderr, "raw_pixels: %s\n", wrong.what());
    return 1;
  }
}
