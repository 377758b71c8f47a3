#include <segx/predict/tile_axis.hpp>

#include <catch2/catch.hpp>
#include <vector>

using segx::tile_axis;

static_assert(tile_axis{256, 256, 0.5}.count() == 1);
static_assert(tile_axis{257, 256, 0.5}.count() == 2);
static_assert(tile_axis{384, 256, 0.5}.count() == 2);
static_assert(tile_axis{385, 256, 0.5}.count() == 3);
static_assert(tile_axis{4096, 256, 0.5}.count() == 31);
static_assert(tile_axis{4096, 256, 0}.count() == 16);
static_assert(tile_axis{100, 256, 0.5}.first(0) == -78);

TEST_CASE("tiles cover the axis, end to end, and overlap as far as they should") {
  for (const int tile : {1, 8, 31, 256}) {
    for (const int length : {1, 7, 8, 9, 100, 255, 256, 257, 1000}) {
      for (const double overlap : {0.0, 0.25, 0.5, 0.9}) {
        const tile_axis axis{length, tile, overlap};
        INFO(length << " pixels in tiles of " << tile << ", overlap " << overlap);
        CHECK(axis.first(0) <= 0);
        CHECK(axis.first(axis.count() - 1) + tile >= length);
        if (length >= tile) {
          CHECK(axis.first(0) == 0);
          CHECK(axis.first(axis.count() - 1) + tile == length);
        }
        for (int t = 1; t < axis.count(); ++t) {
          const int step = axis.first(t) - axis.first(t - 1);
          CHECK(step >= 1);
          CHECK(step <= std::max(1.0, tile * (1 - overlap)));
        }
      }
    }
  }
}

TEST_CASE("the shares of all tiles sum to one at each pixel, and are largest in the middle of a tile") {
  for (const auto& [length, tile, overlap] : {std::tuple{100, 32, 0.5}, {101, 33, 0.9}, {64, 64, 0.5}, {65, 32, 0.0}}) {
    const tile_axis axis{length, tile, overlap};
    std::vector<double> sum(static_cast<std::size_t>(length));
    for (int t = 0; t < axis.count(); ++t) {
      const std::vector<float> shares = axis.shares(t);
      REQUIRE(shares.size() == static_cast<std::size_t>(tile));
      for (int x = 0; x < tile; ++x) {
        CHECK(shares[x] > 0);
        sum[axis.first(t) + x] += shares[x];
      }
    }
    for (const double s : sum) { CHECK(s == Approx(1).margin(1e-6)); }
  }
  const std::vector<float> inner = tile_axis{1024, 256, 0.5}.shares(3);
  CHECK(inner[128] > 0.99);
  CHECK(inner[64] == Approx(0.5).margin(0.05));  // as far from the middle of this tile as from that of the one before
  CHECK(inner[0] < 1e-3);
}
