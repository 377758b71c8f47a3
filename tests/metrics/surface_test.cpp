#include <catch2/catch.hpp>
#include <fstream>
#include <limits>

#include <segx/metrics/surface.hpp>

using segx::millimetre;
using segx::millimetres;
using segx::pixel;
using segx::pixels;

namespace {

using mask = xt::xtensor<std::uint8_t, 2>;

mask read_mask(std::ifstream& file, std::size_t height, std::size_t width) {
  std::string digits;
  file >> digits;
  mask read = xt::zeros<std::uint8_t>({height, width});
  REQUIRE(digits.size() == read.size());
  for (std::size_t i = 0; i < read.size(); ++i) { read.data()[i] = digits[i] == '1' ? 255 : 0; }
  return read;
}

}  // namespace

TEST_CASE("distances between outlines are SciPy's", "[surface]") {
  std::ifstream file{SEGX_GOLDEN_FOLDER "/surfaces.txt"};
  std::string comment;
  std::getline(file, comment);
  std::size_t height = 0;
  std::size_t width = 0;
  int cases = 0;
  for (double row = 0, column = 0, hd95 = 0, assd = 0; file >> height >> width >> row >> column; ++cases) {
    const mask a = read_mask(file, height, width);
    const mask b = read_mask(file, height, width);
    REQUIRE(file >> hd95 >> assd);
    const auto measured = segx::surface_distances(a, b, {millimetres{row}, millimetres{column}});
    REQUIRE(measured);
    CHECK(measured->hd95.value == Approx(hd95).epsilon(1e-9));
    CHECK(measured->assd.value == Approx(assd).epsilon(1e-9));
    const auto swapped = segx::surface_distances(b, a, {millimetres{row}, millimetres{column}});
    REQUIRE(swapped);
    CHECK(swapped->hd95 == measured->hd95);
    CHECK(swapped->assd.value == Approx(assd).epsilon(1e-9));
  }
  CHECK(cases == 5);
}

TEST_CASE("a square that is moved has known distances, in the unit of its spacing", "[surface]") {
  mask a = xt::zeros<std::uint8_t>({12, 12});
  mask b = a;
  for (std::size_t y = 2; y < 6; ++y) {
    for (std::size_t x = 2; x < 6; ++x) {
      a(y, x) = 1;
      b(y, x + 4) = 1;
    }
  }
  // Each outline has 12 pixels; the far side is 4 columns away, the near one 1.
  const auto in_pixels = segx::surface_distances(a, b);
  const auto in_millimetres = segx::surface_distances(a, b, {millimetres{3}, millimetres{0.5}});
  REQUIRE(in_pixels);
  REQUIRE(in_millimetres);
  CHECK(in_pixels->hd95 == pixels{4});
  CHECK(in_pixels->assd == pixels{(4 * 4 + 2 * 3 + 2 * 2 + 4 * 1) / 12.0});
  CHECK(in_millimetres->hd95 == millimetres{2});
  CHECK(segx::surface_distances(a, a)->hd95 == pixels{0});
}

TEST_CASE("empty masks are 0 apart, an empty one and another have no distance", "[surface]") {
  const mask empty = xt::zeros<std::uint8_t>({3, 4});
  mask dot = empty;
  dot(1, 1) = 1;
  CHECK(segx::surface_distances(empty, empty) == segx::surface_distance<pixel>{});
  CHECK(!segx::surface_distances(empty, dot));
  CHECK(!segx::surface_distances(dot, empty));
}

TEST_CASE("a mean is over the images with a distance, and says how many have none", "[surface]") {
  using distance = std::optional<segx::surface_distance<millimetre>>;
  const std::vector<distance> images = {segx::surface_distance<millimetre>{{4}, {1}}, std::nullopt,
                                        segx::surface_distance<millimetre>{{2}, {2}}};
  const auto summary = segx::summarize<millimetre>(images);
  CHECK(summary.measured == 2);
  CHECK(summary.unmeasured == 1);
  REQUIRE(summary.mean);
  CHECK(summary.mean->hd95 == millimetres{3});
  CHECK(summary.mean->assd == millimetres{1.5});
  CHECK(!segx::summarize<millimetre>(std::vector<distance>(2)).mean);
}

TEST_CASE("masks of unequal size and spacings that are none are refused", "[surface]") {
  const mask a = xt::zeros<std::uint8_t>({3, 4});
  const mask b = xt::zeros<std::uint8_t>({4, 3});
  CHECK_THROWS_WITH(segx::surface_distances(a, b), Catch::Contains("3×4") && Catch::Contains("4×3"));
  for (const double wrong : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_WITH(segx::surface_distances(a, a, {millimetres{1}, millimetres{wrong}}),
                      Catch::Contains("two lengths above 0"));
  }
}
