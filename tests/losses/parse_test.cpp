#include <catch2/catch.hpp>

#include <segx/losses/parse.hpp>

namespace {

const xt::xtensor<float, 4> logits = {{{{0.3F, -2.0F}}}, {{{1.0F, 4.0F}}}};
const xt::xtensor<float, 4> target = {{{{1.0F, 0.0F}}}, {{{0.0F, 1.0F}}}};

void check_same(std::string_view text, const segx::loss auto& expected) {
  INFO(text);
  const segx::any_loss parsed = segx::parse_loss(text);
  xt::xtensor<float, 4> parsed_gradient = xt::zeros_like(logits);
  xt::xtensor<float, 4> expected_gradient = xt::zeros_like(logits);
  CHECK(parsed(logits, target, parsed_gradient, 2) == expected(logits, target, expected_gradient, 2));
  CHECK(parsed(logits, target) == expected(logits, target));
  CHECK((parsed_gradient == expected_gradient));
  CHECK(parsed.text() == expected.text());
  CHECK(segx::parse_loss(expected.text()).text() == expected.text());
}

}  // namespace

TEST_CASE("parsed losses are the losses written in C++", "[parse]") {
  using namespace segx;
  check_same("bce", bce);
  check_same("jaccard", jaccard);
  check_same("jaccard_per_image", jaccard_per_image);
  check_same("dice", dice);
  check_same("dice_per_image", dice_per_image);
  check_same("bce+jaccard", bce + jaccard);
  check_same(" bce + 0.5 * jaccard ", bce + 0.5 * jaccard);
  check_same("0.3*(bce+dice)+2*jaccard", 0.3 * (bce + dice) + 2 * jaccard);
  check_same("1e-3*dice( smooth = 1 )", 1e-3 * dice_loss<>{.smooth = 1});
  check_same("100000*(bce+1e7*bce)", 100000 * (bce + 1e7 * bce));
}

TEST_CASE("a text that is no loss is refused, with the place and the names", "[parse]") {
  const auto [text, reason] = GENERATE(table<std::string, std::string>({
      {"", "character 1: the name of a loss is missing"},
      {"bce+", "character 5: the name of a loss is missing"},
      {"bce+focal", "character 5: no loss is called 'focal'"},
      {"BCE", "character 1: no loss is called 'BCE'"},
      {"bce jaccard", "character 5: 'jaccard' is left over"},
      {"bce-jaccard", "character 4: '-jaccard' is left over"},
      {"0.5 jaccard", "'*' is missing"},
      {"-1*bce", "a weight must be a finite number above 0"},
      {"0*bce", "a weight must be a finite number above 0"},
      {"1e999*bce", "a weight must be a finite number above 0"},
      {"(bce+dice", "')' is missing"},
      {"bce(smooth=1)", "'(smooth=1)' is left over"},
      {"dice(smooth=-1)", "smooth must be a finite number above 0"},
      {"dice(smooth=nan)", "smooth must be a finite number above 0"},
      {"dice(1)", "'smooth' is missing"},
  }));
  INFO(text);
  CHECK_THROWS_AS(segx::parse_loss(text), segx::error);
  CHECK_THROWS_WITH(segx::parse_loss(text),
                    Catch::Contains(reason) && Catch::Contains("bce, jaccard, jaccard_per_image"));
}

TEST_CASE("an endless text is refused", "[parse]") {
  CHECK_THROWS_WITH(segx::parse_loss(std::string(1'000'000, '(')), Catch::Contains("longer than 1000"));
  CHECK_THROWS_AS(segx::parse_loss(std::string(1000, '(')), segx::error);
}

TEST_CASE("any_loss is a loss and can be composed again", "[any_loss]") {
  const auto sum = 2 * segx::any_loss(segx::bce) + segx::dice;
  CHECK(sum(logits, target) == 2 * segx::bce(logits, target) + segx::dice(logits, target));
  CHECK(sum.text() == "2*bce+dice");
}
