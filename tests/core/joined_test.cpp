#include <segx/core/joined.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <segx/core/error.hpp>

using segx::joined;

TEST_CASE("texts and numbers are put after each other") {
  const std::string text = "an image";
  CHECK(joined({text, " of ", 480, "x", 640U, std::string_view{" pixels, long"}.substr(0, 7), '!'}) ==
        "an image of 480x640 pixels!");
  CHECK(joined({}).empty());
  CHECK(joined({"", std::string{}, "a", ""}) == "a");
}

TEST_CASE("numbers have the digits that read back, and no more") {
  CHECK(joined({0.1, " ", 0.1F, " ", -2.5, " ", 1e300, " ", 0}) == "0.1 0.1 -2.5 1e+300 0");
  CHECK(joined({std::numeric_limits<std::int64_t>::min(), " ", std::numeric_limits<std::uint64_t>::max()}) ==
        "-9223372036854775808 18446744073709551615");
  CHECK(joined({std::numeric_limits<std::uint8_t>::max(), " ", static_cast<signed char>(-3)}) == "255 -3");
  CHECK(joined({std::nan(""), " ", std::numeric_limits<double>::infinity()}) == "nan inf");
  CHECK(joined({std::numeric_limits<double>::denorm_min()}) == "5e-324");
}

TEST_CASE("an error is a sentence in parts") {
  CHECK_THROWS_WITH(segx::fail({"expected 2 channels, found ", 3}), "expected 2 channels, found 3");
  CHECK_THROWS_WITH(segx::fail("nothing to do"), "nothing to do");
}
