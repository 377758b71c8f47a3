#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include <segx/geometry/distance_transform.hpp>

namespace {

std::vector<double> by_definition(const std::vector<std::uint8_t>& sites, int height, int width, double row_step,
                                  double column_step) {
  std::vector<double> result(sites.size(), std::numeric_limits<double>::infinity());
  for (int i = 0; i < height * width; ++i) {
    for (int j = 0; j < height * width; ++j) {
      if (!sites[j]) { continue; }
      const int rows = i / width - j / width, columns = i % width - j % width;
      const double down = rows * row_step, right = columns * column_step;
      result[i] = std::min(result[i], down * down + right * right);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("squared distances are those of the definition", "[distance_transform]") {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const int height = 1 + static_cast<int>(random() % 13);
    const int width = 1 + static_cast<int>(random() % 13);
    const unsigned rarity = 1 + random() % 40;
    std::vector<std::uint8_t> sites(static_cast<std::size_t>(height) * width);
    for (std::uint8_t& site : sites) { site = random() % rarity == 0 ? 255 : 0; }
    CHECK(segx::squared_distances(sites, height, width) == by_definition(sites, height, width, 1, 1));
    const std::vector<double> given = segx::squared_distances(sites, height, width, 0.7, 1.9);
    const std::vector<double> expected = by_definition(sites, height, width, 0.7, 1.9);
    for (std::size_t i = 0; i < given.size(); ++i) {
      CHECK((given[i] == Approx(expected[i]) || given[i] == expected[i]));
    }
  }
}

TEST_CASE("without a site the distance is infinite", "[distance_transform]") {
  const std::vector<double> distances = segx::squared_distances(std::vector<std::uint8_t>(6), 2, 3);
  CHECK(std::all_of(distances.begin(), distances.end(), [](double d) { return std::isinf(d); }));
}
