#include <catch2/catch.hpp>
#include <limits>
#include <vector>

#include <segx/optim/clip.hpp>

using segx::parameter_group;

TEST_CASE("a gradient longer than allowed keeps its direction", "[clip]") {
  const std::vector<parameter_group> all{{.count = 3}};
  std::vector<float> g{3, 0, -4};
  CHECK(segx::gradient_norm(g, all) == 5);
  segx::clip_norm(g, all, 5);
  CHECK(g == std::vector<float>{3, 0, -4});
  segx::clip_norm(g, all, 0.5);
  CHECK(g[0] == Approx(0.3));
  CHECK(g[1] == 0);
  CHECK(g[2] == Approx(-0.4));
}

TEST_CASE("the norm is that of all groups together, and of nothing else", "[clip]") {
  const std::vector<parameter_group> groups{{.first = 1, .count = 1}, {.first = 3, .count = 2}};
  std::vector<float> g{100, 2, -100, 3, 6, 100};
  CHECK(segx::gradient_norm(g, groups) == 7);
  segx::clip_norm(g, groups, 3.5);
  CHECK(g == std::vector<float>{100, 1, -100, 1.5, 3, 100});
  segx::clip_value(g, groups, 1.25);
  CHECK(g == std::vector<float>{100, 1, -100, 1.25, 1.25, 100});
}

TEST_CASE("values are cut off on both sides", "[clip]") {
  std::vector<float> g{-2, -0.5, 0, 0.5, 2};
  segx::clip_value(g, std::vector<parameter_group>{{.count = 5}}, 0.5);
  CHECK(g == std::vector<float>{-0.5, -0.5, 0, 0.5, 0.5});
}

TEST_CASE("gradients too large for a sum of squares in float are clipped, too", "[clip]") {
  std::vector<float> g(4, 1e30F);
  segx::clip_norm(g, std::vector<parameter_group>{{.count = 4}}, 1);
  for (const float value : g) { CHECK(value == Approx(0.5)); }
}
