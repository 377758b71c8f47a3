#include <catch2/catch.hpp>

#include <segx/geometry/connected_components.hpp>

TEST_CASE("components are numbered as rows are read, and corners connect", "[connected_components]") {
  const std::vector<std::uint8_t> mask = {1, 0, 0, 7, 0,  //
                                          0, 1, 0, 0, 7,  //
                                          1, 0, 0, 0, 0,  //
                                          0, 0, 1, 1, 0};
  const segx::connected_components found = segx::find_components(mask, 4, 5);
  CHECK(found.count == 3);
  CHECK(found.labels == std::vector<int>{1, 0, 0, 2, 0,  //
                                         0, 1, 0, 0, 2,  //
                                         1, 0, 0, 0, 0,  //
                                         0, 0, 3, 3, 0});
  CHECK(segx::find_components(std::vector<std::uint8_t>(20), 4, 5).count == 0);
}
