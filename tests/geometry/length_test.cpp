#include <catch2/catch.hpp>

#include <segx/geometry/length.hpp>

using segx::millimetres;
using segx::pixels;

static_assert(millimetres{2} + millimetres{3} == millimetres{5});
static_assert(millimetres{2} < millimetres{3});
static_assert(0.5 * pixels{3} == pixels{1.5});
static_assert(pixels{3} / pixels{2} == 1.5);
static_assert(!std::is_convertible_v<pixels, millimetres>);
static_assert(!std::is_convertible_v<double, millimetres>);

TEST_CASE("lengths add up in their unit", "[length]") {
  millimetres sum;
  for (int i = 0; i < 4; ++i) { sum += millimetres{1.5}; }
  CHECK(sum == millimetres{6});
  CHECK(sum / 4 - millimetres{1} == millimetres{0.5});
}
