// Images per second of each augmentation, of the ready sets, and of the loader: bench_augment [seconds for each number]
//
// First table: every thread augments copies of one chest phantom, each time with another seed, as the loader's threads
// do. Seconds are those that a thread had a processor for, so that other programs on the machine count little. The
// table gives the median of eleven runs.
//
// Second table: the loader gives epochs of 32 chest phantoms, 16-bit PNGs of 512x512, to a thread that does nothing
// else. Seconds are those of the clock. The table gives the median of all epochs, at least eleven, but for the first.

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/data/augment.hpp>
#include <segx/data/dataset.hpp>
#include <segx/data/loader.hpp>
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
    for (std::size_t t = 0; t < rates.size(); ++t) {
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
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double median_of_runs(const any_augmentation& augment, const image_and_mask& x, int threads, double seconds) {
  std::vector<double> runs;
  for (int run = 0; run < 11; ++run) { runs.push_back(images_per_second(augment, x, threads, seconds / 11)); }
  return median(std::move(runs));
}

/// A folder of phantoms, as long as the program runs.
class phantom_folder {
 public:
  explicit phantom_folder(int count, int size) {
    std::string name = (std::filesystem::temp_directory_path() / "segx_bench_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) { fail({"cannot make the folder ", name}); }
    path_ = name;
    write_phantoms(path_, count, size, 3);
  }
  ~phantom_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  phantom_folder(const phantom_folder&) = delete;
  phantom_folder& operator=(const phantom_folder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

double images_per_second_loaded(const dataset& data, const loader_options& options, double seconds) {
  using clock = std::chrono::steady_clock;
  std::vector<int> all(data.samples.size());
  std::iota(all.begin(), all.end(), 0);
  loader from(data, all, options);
  batch b;
  std::vector<double> rates;
  double passed = 0;
  for (int epoch = 0; epoch <= 11 || passed < seconds; ++epoch) {
    const auto start = clock::now();
    from.start_epoch(epoch);
    while (from.next(b)) {}
    const double lasted = std::chrono::duration<double>(clock::now() - start).count();
    if (epoch == 0) {
      continue;  // warms up
    }
    rates.push_back(from.size() / lasted);
    passed += lasted;
  }
  return median(std::move(rates));
}

void print_loader(double seconds) {
  const phantom_folder folder(32, 512);
  const dataset data = scan_folder(folder.path());
  std::vector<std::pair<std::string, any_augmentation>> rows{{"none", no_augmentation{}}};
  for (const auto& ready : detail::ready_augmentations) { rows.emplace_back(ready.name, ready.make()); }
  std::puts(
      "\n| images/s of the loader | of | in memory, 1 thread | 2 threads | streamed, 1 thread | 2 threads |\n"
      "|---|---|---|---|---|---|");
  for (const int size : {512, 256}) {
    for (const auto& [name, augment] : rows) {
      std::printf("| `%s` | %dx%d |", name.c_str(), size, size);
      for (const feed mode : {feed::in_memory, feed::streamed}) {
        for (const int threads : {1, 2}) {
          std::printf(" %.0f |", images_per_second_loaded(data,
                                                          {.height = size,
                                                           .width = size,
                                                           .normalise = normalisation::minus_one_to_one(),
                                                           .threads = threads,
                                                           .mode = mode,
                                                           .augment = augment},
                                                          seconds));
        }
      }
      std::puts("");
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  cv::setNumThreads(1);  // segx has threads of its own
  std::vector<std::pair<std::string, any_augmentation>> rows;
  detail::for_each_augmentation([&](auto a) {
    if constexpr (requires { a.probability; }) { a.probability = 1; }
    if constexpr (requires { a.height; }) { a.height = a.width = 224; }
    rows.emplace_back(text_of(a), a);
  });
  for (const auto& ready : detail::ready_augmentations) { rows.emplace_back(ready.name, ready.make()); }

  const image_and_mask large = example(512), small = example(256);
  std::puts("| images/s | 512, 1 thread | 512, 2 threads | 256, 1 thread | 256, 2 threads |\n|---|---|---|---|---|");
  for (const auto& [name, augment] : rows) {
    std::printf("| `%s` |", name.c_str());
    for (const image_and_mask* x : {&large, &small}) {
      for (const int threads : {1, 2}) { std::printf(" %.0f |", median_of_runs(augment, *x, threads, seconds)); }
    }
    std::puts("");
    std::fflush(stdout);
  }
  print_loader(seconds);
}
