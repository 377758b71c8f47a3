#include <segx/image/normalisation.hpp>

#include <catch2/catch.hpp>

using segx::find_normalisation;
using segx::normalisation;
using segx::parse_normalisation;
using segx::text_of;

static_assert(normalisation{} == normalisation::unit());
static_assert(normalisation::unit()(0.25F, 2) == 0.25F);
static_assert(normalisation::minus_one_to_one()(0.0F, 0) == -1.0F &&
              normalisation::minus_one_to_one()(1.0F, 1) == 1.0F);

TEST_CASE("imagenet: mean and deviation of each channel") {
  const auto n = normalisation::imagenet();
  CHECK(n(0.485F, 0) == 0);
  CHECK(n(1, 1) == Approx((1 - 0.456) / 0.224));
  CHECK(n(0, 2) == Approx(-0.406 / 0.225));
}

TEST_CASE("a normalisation and its text") {
  CHECK(text_of(normalisation::unit()) == "unit");
  CHECK(text_of(normalisation::imagenet()) == "imagenet");
  CHECK(text_of(normalisation::minus_one_to_one()) == "minus_one_to_one");
  const normalisation own{{0.1F, 0.25F, -1}, {0.5F, 1.0F / 3, 2}};
  CHECK(text_of(own) == "mean 0.1 0.25 -1 std 0.5 0.33333334 2");
  for (const auto& n : {normalisation::unit(), normalisation::imagenet(), normalisation::minus_one_to_one(), own}) {
    CHECK(parse_normalisation(text_of(n)) == n);
  }
}

TEST_CASE("texts of other forms: of old weight files, one number for all channels") {
  CHECK(parse_normalisation("gray values to [0,1]") == normalisation::unit());
  CHECK(parse_normalisation("mean 0.5 std 0.5") == normalisation::minus_one_to_one());
  CHECK(parse_normalisation("mean 0.485 0.456 0.406 std 0.229 0.224 0.225") == normalisation::imagenet());
}

TEST_CASE("texts that are no normalisation are errors") {
  for (const char* text :
       {"", "Unit", "mean 0.5", "mean std 1", "mean 0 std 0", "mean 0 std -1", "mean 0 0 std 1", "mean 0 0 0 0 std 1",
        "mean 0 std 1x", "mean 0x1p-1 std 1", "mean 0-1+2 std 1", "mean nan std 1", "mean 0 std inf", "unit "}) {
    CHECK_FALSE(find_normalisation(text));
  }
  CHECK_THROWS_WITH(parse_normalisation("zscore"),
                    "the normalisation \"zscore\" is not known; expected unit, imagenet, minus_one_to_one, or numbers "
                    "such as \"mean 0.5 std 0.25\"");
  CHECK_THROWS_WITH(parse_normalisation("mean 0.5 std 0"),
                    "the normalisation \"mean 0.5 std 0\" divides by nothing: std must be above 0");
}
