#include <catch2/catch.hpp>
#include <type_traits>

#include <segx/metrics/mask_view.hpp>

namespace {

using masks = xt::xtensor<std::uint8_t, 4>;

std::vector<bool> inside(segx::mask_view mask) {
  std::vector<bool> inside;
  for (std::size_t i = 0; i < mask.size(); ++i) { inside.push_back(mask[i]); }
  return inside;
}

}  // namespace

static_assert(!std::is_convertible_v<masks, segx::mask_view>);  // a batch is not one mask

TEST_CASE("a map shows where each of its classes is", "[mask_view]") {
  const xt::xtensor<std::uint8_t, 2> map = {{0, 1, 2}, {3, 255, 4}};
  const segx::mask_view view = map;
  CHECK(view.height() == 2);
  CHECK(view.width() == 3);
  CHECK(inside(view) == std::vector<bool>{false, true, true, true, true, true});
  CHECK(inside(view.of_class(0)) == std::vector<bool>{true, false, false, false, false, false});
  CHECK(inside(view.of_class(255)) == std::vector<bool>{false, false, false, false, true, false});
  CHECK(inside(view.of_bit(0)) == std::vector<bool>{false, true, false, true, true, false});
  CHECK(inside(view.of_bit(1)) == std::vector<bool>{false, false, true, true, true, false});
}

TEST_CASE("a batch shows its planes", "[mask_view]") {
  const masks batch = {{{{0, 1}}, {{1, 1}}}, {{{0, 0}}, {{1, 0}}}};
  const segx::masks_view view = batch;
  CHECK(view.images() == 2);
  CHECK(view.planes() == 2);
  CHECK(inside(view.plane(0, 1)) == std::vector<bool>{true, true});
  CHECK(inside(view.plane(1, 1)) == std::vector<bool>{true, false});
}
