#include <segx/io/half.hpp>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

using segx::bfloat16_to_float, segx::float_to_bfloat16, segx::float_to_half, segx::half_to_float;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// One check per value would take Catch seconds: count what is wrong, name the first.
struct mismatches {
  int count = 0;
  int first = -1;
  void expect(bool good, int bits) {
    if (!good && count++ == 0) { first = bits; }
  }
};

#define CHECK_NONE(wrong)                        \
  INFO("first wrong at bits " << (wrong).first); \
  CHECK((wrong).count == 0)

}  // namespace

TEST_CASE("known halves and bfloat16s", "[half]") {
  CHECK(half_to_float(0x3c00) == 1.0f);
  CHECK(half_to_float(0xc000) == -2.0f);
  CHECK(half_to_float(0x3555) == 0x1.554p-2f);
  CHECK(half_to_float(0x7bff) == 65504.0f);
  CHECK(half_to_float(0x0400) == 0x1p-14f);
  CHECK(half_to_float(0x0001) == 0x1p-24f);
  CHECK(half_to_float(0x83ff) == -0x3ffp-24f);
  CHECK(float_to_half(0.1f) == 0x2e66);
  CHECK(float_to_half(-1.0f) == 0xbc00);
  CHECK(bfloat16_to_float(0x3f80) == 1.0f);
  CHECK(float_to_bfloat16(0.1f) == 0x3dcd);
}

TEST_CASE("every half is its sign, exponent and fraction, and comes back the same", "[half]") {
  mismatches wrong;
  for (int bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = half_to_float(half);
    const int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    const bool negative = bits >= 0x8000;
    if (exponent == 31 && fraction != 0) {
      wrong.expect(std::isnan(value) && float_to_half(value) == (half | 0x0200), bits);
    } else {
      const double magnitude = exponent == 31  ? static_cast<double>(infinity)
                               : exponent == 0 ? std::ldexp(fraction, -24)
                                               : std::ldexp(1024 + fraction, exponent - 25);
      wrong.expect(std::abs(value) == magnitude && std::signbit(value) == negative, bits);
      wrong.expect(float_to_half(value) == half, bits);
    }
  }
  CHECK_NONE(wrong);
}

TEST_CASE("a float between two halves goes to the nearer one, from the middle to the even one", "[half]") {
  mismatches wrong;
  for (int bits = 0; bits < 0x7c00; ++bits) {  // the neighbours bits and bits + 1; the last is followed by "2^16"
    const auto below = static_cast<std::uint16_t>(bits), above = static_cast<std::uint16_t>(bits + 1);
    const auto even = bits % 2 == 0 ? below : above;
    const float upper = above == 0x7c00 ? 65536.0f : half_to_float(above);
    const float middle = (half_to_float(below) + upper) / 2;  // exact in float
    for (const float sign : {1.0f, -1.0f}) {
      const auto with_sign = [sign](std::uint16_t half) { return sign < 0 ? half | 0x8000 : half; };
      wrong.expect(float_to_half(sign * middle) == with_sign(even), bits);
      wrong.expect(float_to_half(sign * std::nextafter(middle, 0.0f)) == with_sign(below), bits);
      wrong.expect(float_to_half(sign * std::nextafter(middle, infinity)) == with_sign(above), bits);
      wrong.expect(float_to_half(sign * std::nextafter(upper, 0.0f)) == with_sign(above), bits);
    }
  }
  CHECK_NONE(wrong);
}

TEST_CASE("floats beyond the halves become infinite or zero, NaN stays NaN", "[half]") {
  CHECK(float_to_half(infinity) == 0x7c00);
  CHECK(float_to_half(-infinity) == 0xfc00);
  CHECK(float_to_half(std::numeric_limits<float>::max()) == 0x7c00);
  CHECK(float_to_half(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(float_to_half(-0.0f) == 0x8000);
  CHECK(float_to_half(0x1p-25f) == 0);
  CHECK(float_to_half(std::nextafter(0x1p-25f, 1.0f)) == 1);
  CHECK(std::isnan(half_to_float(float_to_half(std::bit_cast<float>(0x7f800001u)))));  // its payload does not fit
  CHECK(std::isnan(bfloat16_to_float(float_to_bfloat16(std::bit_cast<float>(0x7f800001u)))));
}

TEST_CASE("every bfloat16 comes back the same, and floats between go to the nearer one", "[half]") {
  mismatches wrong;
  for (int bits = 0; bits < 65536; ++bits) {
    const auto below = static_cast<std::uint16_t>(bits), above = static_cast<std::uint16_t>(bits + 1);
    const float value = bfloat16_to_float(below);
    if (std::isnan(value)) {
      wrong.expect(float_to_bfloat16(value) == (below | 0x40), bits);
      continue;
    }
    wrong.expect(float_to_bfloat16(value) == below, bits);
    if (std::isinf(value)) { continue; }
    const auto between = [&](std::uint32_t rest) { return std::bit_cast<float>(std::uint32_t{below} << 16 | rest); };
    wrong.expect(float_to_bfloat16(between(0x7fff)) == below, bits);
    wrong.expect(float_to_bfloat16(between(0x8000)) == (bits % 2 == 0 ? below : above), bits);
    wrong.expect(float_to_bfloat16(between(0x8001)) == above, bits);
  }
  CHECK_NONE(wrong);
}
