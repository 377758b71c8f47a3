// Images per second of each augmentation and of the ready sets: bench_augment [seconds for each number]
//
// Every thread augments copies of one chest phantom, each time with another seed, as the loader's threads do. Seconds
// are those that a thread had a processor for, so that other programs on the machine count little. The table gives the
// median of eleven runs.

#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <segx/data/augment.hpp>
#include <segx/data/phantom.hpp>
#include <segx/image/read_image.hpp>

namespace {

using namespace segx;

image_and_mask example(int size) {
  const phantom drawn = make_phantom(3, size);
  return {to_unit(drawn.image), drawn.mask / 255};
}

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Of all threads together.
double images_per_second(const any_augmentation& augment, const image_and_mask& x, int threads, double seconds) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> workers;
    for (std::size_t t = 0; t < rates.size(); ++t)
      workers.emplace_back([&, t] {
        const double start = processor_seconds();
        double passed = 0, images = 0;
        for (std::uint64_t k = 0; passed < seconds; ++k, passed = processor_seconds() - start) {
          random_generator random({t, k});
          const image_and_mask y = augment(x, random);
          images += y.image.cols > 0;
        }
        rates[t] = images / passed;
      });
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

double median_of_runs(const any_augmentation& augment, const image_and_mask& x, int threads, double seconds) {
  std::vector<double> runs;
  for (int run = 0; run < 11; ++run) runs.push_back(images_per_second(augment, x, threads, seconds / 11));
  std::sort(runs.begin(), runs.end());
  return runs[runs.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  cv::setNumThreads(1);  // segx has threads of its own
  std::vector<std::pair<std::string, any_augmentation>> rows;
  detail::for_each_augmentation([&](auto a) {
    if constexpr (requires { a.probability; }) a.probability = 1;
    if constexpr (requires { a.height; }) a.height = a.width = 224;
    rows.emplace_back(text_of(a), a);
  });
  for (const auto& ready : detail::ready_augmentations) rows.emplace_back(ready.name, ready.make());

  const image_and_mask large = example(512), small = example(256);
  std::puts("| images/s | 512, 1 thread | 512, 2 threads | 256, 1 thread | 256, 2 threads |\n|---|---|---|---|---|");
  for (const auto& [name, augment] : rows) {
    std::printf("| `%s` |", name.c_str());
    for (const image_and_mask* x : {&large, &small})
      for (const int threads : {1, 2}) std::printf(" %.0f |", median_of_runs(augment, *x, threads, seconds));
    std::puts("");
    std::fflush(stdout);
  }
}
