#include <catch2/catch.hpp>

#include <limits>
#include <vector>

#include <segx/cuda/arena.hpp>
#include <segx/cuda/device_check.hpp>
#include <segx/models/unet.hpp>

#include "cuda/src/fast_divisor.hpp"
#include "cuda/src/stored.hpp"
#include "cuda/src/sums.hpp"

using namespace segx;

// What the backend decides on the host: none of these tests needs a GPU, though they are run with it, too.

namespace {

const dynamic_plan<unet16, cuda, purpose::training>& training_plan() {
  static const dynamic_plan<unet16, cuda, purpose::training> plan{unet16{}, 64, 96};
  return plan;
}

}  // namespace

TEST_CASE("a GPU that cannot run segx is refused in one sentence", "[cuda]") {
  const gpu::device_facts good{.name = "H100", .major = 9, .driver = 13010, .runtime = 13000, .memory = 1};
  CHECK(gpu::refusal(good).empty());
  gpu::device_facts old = good;
  old.driver = 12080;
  CHECK(gpu::refusal(old) ==
        "the NVIDIA driver is too old: it knows CUDA 12.8, this program needs 13.0; update the driver, or compute on "
        "the CPU (--device cpu)");
  gpu::device_facts small = good;
  small.name = "Tesla T4";
  small.major = 7;
  small.minor = 5;
  CHECK(gpu::refusal(small) ==
        "the GPU \"Tesla T4\" has compute capability 7.5, segx needs 8.0 or above (A100, H100 and newer); compute on "
        "the CPU (--device cpu)");
  CHECK(gpu::no_kernels(good) ==
        "this program has no kernels for the GPU \"H100\", which has compute capability 9.0: compile it with "
        "-DSEGX_CUDA_ARCHITECTURES=90, or compute on the CPU (--device cpu)");
}

TEST_CASE("regions of a session's memory do not overlap, and are aligned", "[cuda]") {
  const program<cuda> what = training_plan().get();
  for (const gpu::number stored : {gpu::number::float32, gpu::number::bfloat16}) {
    const gpu::session_memory m = gpu::plan_session_memory(what, stored, 5);
    const std::vector<gpu::region> all{m.state, m.values, m.kept,    m.scratch, m.packed, m.kernels,
                                       m.step,  m.images, m.targets, m.logits,  m.dlogits};
    std::int64_t sum = 0;
    for (const gpu::region& a : all) {
      CHECK(a.place % 256 == 0);
      CHECK(a.place + a.bytes <= m.bytes);
      sum += a.bytes;
      for (const gpu::region& b : all) {
        CHECK((&a == &b || a.place + a.bytes <= b.place || b.place + b.bytes <= a.place || a.bytes * b.bytes == 0));
      }
    }
    CHECK(sum == m.bytes);
    CHECK(m.values.bytes == (gpu::bytes_of(stored) * 5 * what.image + 255) / 256 * 256);
    CHECK(m.state.bytes >= 4 * 5 * what.weights);
  }
}

TEST_CASE("cuDNN works in memory that is aligned, whatever the network", "[cuda]") {
  const cuda::kernel_memory m = cuda::memory_for(1, 33);
  CHECK(m.sums % 256 == 0);
  CHECK(m.coefficients % 256 == 0);
}

TEST_CASE("too large a batch is told before anything is allocated, with one that fits", "[cuda]") {
  const program<cuda> what = training_plan().get();
  const auto bytes = [&](int batch) { return gpu::plan_session_memory(what, gpu::number::bfloat16, batch).bytes; };
  CHECK(gpu::lack_of_memory(what, gpu::number::bfloat16, 8, bytes(8)).empty());
  CHECK(gpu::batch_that_fits(what, gpu::number::bfloat16, 8, bytes(5)) == 5);
  CHECK(gpu::batch_that_fits(what, gpu::number::bfloat16, 8, bytes(5) - 1) == 4);
  CHECK(gpu::batch_that_fits(what, gpu::number::bfloat16, 8, 1) == 0);
  CHECK(gpu::lack_of_memory(what, gpu::number::bfloat16, 64, bytes(64) - 1) ==
        "a batch of 64 images of 64x96 needs " + gpu::gigabytes(bytes(64)) + " on the GPU, " +
            gpu::gigabytes(bytes(64) - 1) + " are free beside what CUDA and cuDNN load; a batch of 63 would fit");
  CHECK_THAT(gpu::lack_of_memory(what, gpu::number::bfloat16, 64, 1000),
             Catch::Matchers::Contains("not even one image fits"));
}

TEST_CASE("a batch of more values than cuDNN counts is refused however much memory there is", "[cuda]") {
  const dynamic_plan<unet64, cuda, purpose::training> plan{unet64{}, 256, 256};  // its largest tensor: 128x256x256
  const program<cuda> what = plan.get();
  CHECK(gpu::most_images(what) == 255);
  constexpr std::int64_t endless = std::int64_t{1} << 50U;
  CHECK(gpu::lack_of_memory(what, gpu::number::bfloat16, 255, endless).empty());
  CHECK(gpu::lack_of_memory(what, gpu::number::bfloat16, 256, endless) ==
        "a batch of 256 images of 256x256 makes a tensor of 2147483648 values or more, which cuDNN does not take; a "
        "batch of 255 would fit");
  CHECK(gpu::batch_that_fits(what, gpu::number::bfloat16, 1000, endless) == 255);
}

TEST_CASE("algorithms of convolutions may work in as much as their operands take, within bounds", "[cuda]") {
  constexpr std::int64_t mega = std::int64_t{1} << 20U;
  CHECK(gpu::convolution_workspace() == 256 * mega);
  CHECK(gpu::convolution_workspace(100 * mega) == 256 * mega);
  CHECK(gpu::convolution_workspace(1000 * mega) == 1000 * mega);
  CHECK(gpu::convolution_workspace(5000 * mega) == 2048 * mega);
  const dynamic_plan<unet64, cuda, purpose::training> plan{unet64{}, 256, 256};
  const gpu::session_memory m = gpu::plan_session_memory(plan.get(), gpu::number::float32, 8);
  CHECK(m.for_kernels.workspace == std::int64_t{4} * 8 * (128 + 64) * 256 * 256);
}

TEST_CASE("algorithms that meet the demands are tried by their speed", "[cuda]") {
  const std::vector<gpu::candidate> tried{
      {.algorithm = 1, .works = false, .seconds = 0.1, .is_deterministic = true},
      {.algorithm = 2, .works = true, .seconds = 0.2, .workspace = 500, .is_deterministic = true},
      {.algorithm = 3, .works = true, .seconds = 0.3, .workspace = 10, .is_deterministic = false},
      {.algorithm = 4,
       .works = true,
       .seconds = 0.4,
       .workspace = 10,
       .is_deterministic = true,
       .rounds_factors = true},
      {.algorithm = 5, .works = true, .seconds = 0.5, .workspace = 10, .is_deterministic = true},
      {.algorithm = 6, .works = true, .seconds = 0.5, .workspace = 10, .is_deterministic = true}};
  const auto chosen = [&](const gpu::demands& d) {
    std::vector<int> numbers;
    for (const gpu::candidate& c : gpu::suitable(tried, d)) { numbers.push_back(c.algorithm); }
    return numbers;
  };
  using order = std::vector<int>;
  CHECK(chosen({.workspace = 1000}) == order{2, 4, 5, 6});
  CHECK(chosen({.workspace = 100}) == order{4, 5, 6});
  CHECK(chosen({.workspace = 100, .deterministic = false}) == order{3, 4, 5, 6});
  CHECK(chosen({.workspace = 100, .exact = true}) == order{5, 6});
  CHECK(chosen({.workspace = 5}).empty());
}

TEST_CASE("a division by multiplication is one", "[cuda]") {
  for (const std::uint32_t divisor : {1U, 2U, 3U, 7U, 24U, 96U, 641U, 65535U, 65536U, 1048577U, 2147483647U}) {
    const gpu::fast_divisor by{divisor};
    for (const std::uint32_t about : {0U, divisor, 5 * (divisor % 1000), 65536U, 2147483647U}) {
      for (std::uint32_t n = about > 3 ? about - 3 : 0; n <= about && n < 2147483648U; ++n) {
        CHECK((by.quotient(n) == n / divisor && by.rest(n) == n % divisor));
      }
    }
  }
}

TEST_CASE("sums are shared out so that memory suffices and every pixel has a thread", "[cuda]") {
  for (const int v : {1, 4, 8}) {
    for (const int vectors : {1, 3, 17, 32, 33, 1024}) {
      const int channels = v * vectors;
      for (const std::int64_t pixels : {1, 100, 65536, 1048576}) {
        for (const std::int64_t segments : {1, 16, 64}) {
          const std::int64_t capacity = cuda::memory_for(static_cast<int>(segments), channels).sums / 8;
          const gpu::sum_geometry g = gpu::plan_sums(segments, pixels, channels, v, 2, capacity);
          CHECK(g.lanes <= 32);
          CHECK(g.lanes * g.rows <= gpu::threads_of_block);
          CHECK(g.lanes * (g.rows + 1) > gpu::threads_of_block);
          CHECK(g.blocks_of_channels * g.lanes >= vectors);
          CHECK(g.chunks >= 1);
          CHECK(g.chunks * segments * channels * 2 <= capacity);
          CHECK(g.blocks() <= std::max<std::int64_t>(1024, segments * g.blocks_of_channels));
          CHECK(g.second_lanes * g.second_rows == gpu::threads_of_block);
          CHECK(g.chunks <= 16 * g.second_rows);  // what one thread adds up, one by one
        }
      }
    }
  }
}

TEST_CASE("rows of threads are added up half by half, whatever their number", "[cuda]") {
  for (int rows = 1; rows <= 20; ++rows) {
    constexpr int lanes = 3;
    std::vector<int> of(static_cast<std::size_t>(rows * lanes), 1);
    int steps = 0;
    gpu::fold_rows(lanes, rows, [&](int threads, int distance) {
      ++steps;
      REQUIRE(threads <= distance);  // what a thread reads, no thread writes
      for (int t = 0; t < threads; ++t) {
        of.at(static_cast<std::size_t>(t)) += of.at(static_cast<std::size_t>(t + distance));
      }
    });
    CHECK((of[0] == rows && of[1] == rows && of[2] == rows));
    CHECK((1 << steps) < 2 * rows);
  }
}

TEST_CASE("bfloat16 rounds to the nearest, ties to even", "[cuda]") {
  const auto round = [](float x) { return gpu::to_float(gpu::from_float<gpu::bfloat16>(x)); };
  CHECK(round(1) == 1);
  CHECK(round(1 + 0x1p-8F) == 1);                // a tie, down to even
  CHECK(round(1 + 3 * 0x1p-8F) == 1 + 0x1p-6F);  // a tie, up to even
  CHECK(round(1 + 0x1p-8F + 0x1p-20F) == 1 + 0x1p-7F);
  CHECK(round(-3.1415926F) == -3.140625F);
  CHECK(std::isinf(round(std::numeric_limits<float>::max())));
  CHECK(std::isnan(round(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(round(std::numeric_limits<float>::signaling_NaN())));
}
