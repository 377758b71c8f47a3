#include <catch2/catch.hpp>

#include <segx/core/random.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/models/unet.hpp>
#include <segx/runtime/session.hpp>
#include <segx/runtime/weights.hpp>

using namespace segx;

namespace {

constexpr std::int64_t convolution(std::int64_t from, std::int64_t to, std::int64_t kernel) {
  return to * from * kernel * kernel + to;
}

/// Learnables of the paper's U-Net, counted independently of the library.
constexpr std::int64_t unet_parameters(std::int64_t base) {
  std::int64_t sum = 0;
  for (std::int64_t floor = 0, from = 1; floor < 5; ++floor) {
    const std::int64_t channels = base << floor;
    sum += convolution(from, channels, 3) + convolution(channels, channels, 3);  // encoder, or bottleneck
    from = channels;
    if (floor < 4) {
      sum += convolution(2 * channels, channels, 2);                                       // up
      sum += convolution(2 * channels, channels, 3) + convolution(channels, channels, 3);  // decoder
    }
  }
  return sum + convolution(base, 1, 1);
}
static_assert(unet_parameters(16) == 1940817 && unet16::parameter_count == 1940817);
static_assert(unet_parameters(64) == 31030593 && unet64::parameter_count == 31030593);
static_assert(unet8::parameter_count == unet_parameters(8));
static_assert(unet32::parameter_count == unet_parameters(32));

static_assert(unet16::at<256, 256>::output == shape{1, 256, 256});
static_assert(unet16::at<16, 48>::output == shape{1, 16, 48});
static_assert(unet16::channels == 1 && unet16::classes == 1);
static_assert(unet16::composed(256, 248).first_defect.where.view() == "max_pool2d_4");
static_assert(unet8::fingerprint != unet16::fingerprint);

/// Multiply-adds, likewise.
constexpr std::int64_t unet_macs(std::int64_t base, std::int64_t pixels) {
  std::int64_t sum = 0;
  for (std::int64_t floor = 0, from = 1; floor < 5; ++floor, pixels /= 4) {
    const std::int64_t channels = base << floor;
    sum += pixels * 9 * channels * (from + channels);
    if (floor < 4) { sum += pixels * (channels * 2 * channels + 9 * channels * 3 * channels); }
    from = channels;
  }
  return sum;
}
static_assert(unet16::at<256, 256>::macs == unet_macs(16, 256 * 256) + 16 * 256 * 256);
static_assert(unet64::at<256, 512>::macs == unet_macs(64, 256 * 512) + 64 * 256 * 512);

// Memory is a constant. The last join, 2·16 channels of all pixels, and what is made of it are all of it: while lower
// floors are computed, the half of the join that comes from below is theirs.
using plan = unet16::at<256, 256>::plan<cpu, purpose::inference>;
static_assert(plan::memory.image == 256 * 256 * (32 + 16));
static_assert(unet16::at<256, 256>::arena_bytes == 4 * (plan::memory.image + plan::memory.scratch));
static_assert(unet16::at<256, 256>::arena_bytes < 15 << 20);
static_assert(unet16::at<256, 256>::training_bytes_per_image < 52 << 20);
static_assert(unet16::at<256, 256>::training_bytes_per_image > unet16::at<256, 256>::arena_bytes);

struct three_floors : network<input<3>, chain<unet<4, 8, 16>, conv1x1<2>>> {};
static_assert(three_floors::at<12, 20>::output == shape{2, 12, 20});

}  // namespace

TEST_CASE("the weights of a U-Net have readable names", "[models]") {
  const weights<unet16> w;
  const auto arrays = w.arrays();
  std::vector<std::string> names;
  std::size_t values = 0;
  for (const auto& array : arrays) {
    names.push_back(array.name);
    CHECK(array.values.data() == w.values().data() + values);
    values += array.values.size();
  }
  CHECK(values == w.values().size());
  REQUIRE(names.size() == 2 * (5 * 2 + 4 * 3 + 1));
  CHECK(names[0] == "encoder.0.conv1.weight");
  CHECK(names[1] == "encoder.0.conv1.bias");
  CHECK(names[2] == "encoder.0.conv2.weight");
  CHECK(names[4] == "encoder.1.conv1.weight");
  CHECK(names[16] == "bottleneck.conv1.weight");
  CHECK(names[20] == "decoder.3.up.weight");
  CHECK(names[22] == "decoder.3.conv1.weight");
  CHECK(names[38] == "decoder.0.up.weight");
  CHECK(names[44] == "head.weight");
  CHECK(names[45] == "head.bias");
  CHECK(arrays[0].extents == std::vector<std::int64_t>{16, 1, 3, 3});
  CHECK(arrays[20].extents == std::vector<std::int64_t>{256, 128, 2, 2});
  CHECK(arrays[22].extents == std::vector<std::int64_t>{128, 256, 3, 3});
  CHECK(arrays[44].extents == std::vector<std::int64_t>{1, 16, 1, 1});
}

namespace {

/// max |logits − exact logits| / max |exact logits| of a small U-Net on noise.
template <class Backend>
double logit_error() {
  using small = unet8::at<64, 64>;
  const auto w = weights<unet8>::random(3);
  weights<unet8, double> exact_weights;
  std::copy(w.values().begin(), w.values().end(), exact_weights.values().begin());
  auto image = xt::xtensor<double, 4>::from_shape({1, 1, 64, 64});
  random_generator draw{4};
  for (double& pixel : image) { pixel = static_cast<float>(draw.uniform()); }

  const auto exact = session<small, reference<double>>{exact_weights}.logits(image);
  const auto found = session<small, Backend>{w}.logits(xt::xtensor<float, 4>{image});
  double difference = 0;
  double largest = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    difference = std::max(difference, std::abs(found.flat(i) - exact.flat(i)));
    largest = std::max(largest, std::abs(exact.flat(i)));
  }
  return difference / largest;
}

template <convolution_policy How>
constexpr auto packed = unet16::at<256, 256>::plan<cpu_with<How>, purpose::inference>::memory.packed;

}  // namespace

TEST_CASE("logits are as exact as the policy says", "[models]") {
  CHECK(logit_error<cpu>() < 1e-4);
  CHECK(logit_error<cpu_with<convolution_policy::prefer_memory>>() < 1e-4);
  CHECK(logit_error<cpu_with<convolution_policy::exact>>() < 1e-5);
}

TEST_CASE("a policy that prefers memory plans less of it", "[models]") {
  STATIC_REQUIRE(packed<convolution_policy::prefer_memory> < packed<convolution_policy::prefer_speed> / 2);
  STATIC_REQUIRE(packed<convolution_policy::exact> < packed<convolution_policy::prefer_memory>);
}
