#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <segx/core/number_text.hpp>

TEST_CASE("number_text: the digits read back as the same number") {
  for (const double value : {0.0, 0.1, -2.5, 1e-9, 6.02214076e23, 1.0 / 3, std::numeric_limits<double>::max()}) {
    CHECK(segx::number_of<double>(segx::number_text(value)) == value);
    const auto narrow = static_cast<float>(value > 1e38 ? 1e38 : value);
    CHECK(segx::number_of<float>(segx::number_text(narrow)) == narrow);
  }
  using limits = std::numeric_limits<double>;
  for (const double value : {limits::infinity(), -limits::infinity(), limits::min(), limits::denorm_min(), -5e-310}) {
    CHECK(segx::number_of<double>(segx::number_text(value)) == value);  // as checkpoints hold them
  }
  CHECK(std::isnan(segx::number_of<double>(segx::number_text(limits::quiet_NaN())).value()));
  CHECK(segx::number_of<std::int64_t>(segx::number_text(std::int64_t{-12345678901})) == -12345678901);
}

TEST_CASE("read_number: takes the longest number at the beginning") {
  struct expected {
    const char* text;
    std::size_t length;
    double value;
  };
  for (const expected e : {expected{"0.5,1", 3, 0.5},
                           {"2.", 2, 2},
                           {".25)", 3, 0.25},
                           {"-7 8", 2, -7},
                           {"1e3x", 3, 1000},
                           {"1e-2", 4, 0.01},
                           {"3em", 1, 3},
                           {"4e+", 1, 4},
                           {"1.5.2", 3, 1.5}}) {
    INFO(e.text);
    double value = 0;
    CHECK(segx::read_number(e.text, value) == e.length);
    CHECK(value == e.value);
  }
  double value = 0;
  for (const char* text : {"", "-", ".", "x1", " 1", "+1", "-.e1", "1e999"}) {
    INFO(text);
    CHECK(segx::read_number(text, value) == 0);
  }
  int whole = 0;
  CHECK(segx::read_number("12.5", whole) == 2);
  CHECK(whole == 12);
  CHECK(segx::read_number("99999999999", whole) == 0);
}

TEST_CASE("number_of: the whole text must be the number") {
  CHECK(segx::number_of<int>("42") == 42);
  CHECK(segx::number_of<double>("0.5") == 0.5);
  for (const char* text : {"", "0.5 ", "0.5x", "half", "0,5"}) {
    INFO(text);
    CHECK_FALSE(segx::number_of<double>(text));
  }
}
