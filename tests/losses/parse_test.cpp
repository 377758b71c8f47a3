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
  check_same("bce(pos_weight=3, smoothing=0.1)", bce_loss{.pos_weight = {3}, .smoothing = 0.1});
  check_same("dice(over=plane,smooth=1)", dice_loss<>{.smooth = 1, .over = over::plane});
  check_same("focal(gamma=3,alpha=0.75)", focal_loss{.gamma = 3, .alpha = 0.75});
  check_same("tversky(alpha=0.2,beta=0.8)", tversky_loss<>{.alpha = 0.2, .beta = 0.8});
  check_same("focal_tversky(gamma=2)", focal_tversky_loss<>{.gamma = 2});
  check_same("lovasz_hinge(over=image)", lovasz_hinge_loss{.over = over::image});
  check_same("dice + 0.01*boundary", dice + 0.01 * boundary);
  check_same("border_weight(w0=3)*(bce+focal)", border_weight{.w0 = 3} * (bce + focal));
  check_same("class_balance * 2 * bce", class_balance{} * (2 * bce));
}

TEST_CASE("parsed softmax losses are the losses written in C++", "[parse]") {
  using namespace segx;
  const xt::xtensor<float, 4> classes = {{{{0.3F, -2.0F}}, {{1.0F, 4.0F}}, {{0.0F, -1.0F}}}};
  const xt::xtensor<float, 4> one_hot = {{{{1.0F, 0.0F}}, {{0.0F, 0.0F}}, {{0.0F, 1.0F}}}};
  const auto check = [&](std::string_view text, const auto& expected) {
    INFO(text);
    CHECK(parse_loss(text)(classes, one_hot) == expected(classes, one_hot));
    CHECK(parse_loss(text).text() == expected.text());
    CHECK(parse_loss(expected.text()).text() == expected.text());
  };
  constexpr auto softmax = probability::softmax;
  check("cross_entropy(weights=[0.5,2, 3],smoothing=0.1)",
        cross_entropy_loss{.weights = {0.5, 2, 3}, .smoothing = 0.1});
  check("softmax_dice(over=channel,background=no)", dice_loss<softmax>{.over = over::channel, .background = false});
  check("softmax_jaccard(smooth=1)", jaccard_loss<softmax>{.smooth = 1});
  check("softmax_tversky(alpha=0.5)", tversky_loss<softmax>{.alpha = 0.5});
  check("softmax_focal_tversky(background=no)", focal_tversky_loss<softmax>{.background = false});
  check("softmax_focal(gamma=1,alpha=[1,2,3])", softmax_focal_loss{.gamma = 1, .alpha = {1, 2, 3}});
  check("lovasz_softmax(over=plane)", lovasz_softmax_loss{.over = over::plane});
  check("cross_entropy+softmax_boundary(background=no)", cross_entropy + boundary_loss<softmax>{.background = false});
}

TEST_CASE("a text that is no loss is refused, with the place and the names", "[parse]") {
  const auto [text, reason] = GENERATE(table<std::string, std::string>({
      {"", "character 1: the name of a loss is missing"},
      {"bce+", "character 5: the name of a loss is missing"},
      {"bce+unknown", "character 5: no loss is called 'unknown'"},
      {"BCE", "character 1: no loss is called 'BCE'"},
      {"bce jaccard", "character 5: 'jaccard' is left over"},
      {"bce-jaccard", "character 4: '-jaccard' is left over"},
      {"0.5 jaccard", "'*' is missing"},
      {"-1*bce", "a weight must be a finite number above 0"},
      {"0*bce", "a weight must be a finite number above 0"},
      {"1e999*bce", "a weight must be a finite number above 0"},
      {"(bce+dice", "')' is missing"},
      {"bce(smooth=1)", "no option is called 'smooth'; bce has pos_weight, smoothing"},
      {"bce(", "the name of an option is missing"},
      {"bce()", "the name of an option is missing"},
      {"bce(smoothing=1)", "smoothing must be a number from 0 to below 1"},
      {"bce(pos_weight=[1,0])", "pos_weight must be a finite number above 0"},
      {"bce(pos_weight=[1,2)", "']' is missing"},
      {"bce(smoothing 0.1)", "'=' is missing"},
      {"dice(over=world)", "over must be one of batch, image, channel, plane"},
      {"dice(background=maybe)", "background must be one of yes, no"},
      {"dice(smooth=1,)", "the name of an option is missing"},
      {"focal(gamma=-1)", "gamma must be a finite number, 0 or above"},
      {"border_weight", "'*' is missing"},
      {"class_balance(w0=1)*bce", "no option is called 'w0'; class_balance has none"},
      {"dice(smooth=-1)", "smooth must be a finite number above 0"},
      {"dice(smooth=nan)", "smooth must be a finite number above 0"},
      {"dice(1)", "no option is called '1'; dice has smooth, over, background"},
  }));
  INFO(text);
  CHECK_THROWS_AS(segx::parse_loss(text), segx::error);
  CHECK_THROWS_WITH(segx::parse_loss(text),
                    Catch::Contains(reason) && Catch::Contains("bce, jaccard, jaccard_per_image"));
}

TEST_CASE("losses that do not fit together are refused by what they are", "[parse]") {
  CHECK_THROWS_WITH(segx::parse_loss("bce+cross_entropy"), Catch::Contains("sigmoid") && Catch::Contains("softmax"));
  CHECK_THROWS_WITH(segx::parse_loss("border_weight*(bce+dice)"),
                    Catch::Contains("border_weight*bce+dice: not every loss here takes weights of pixels"));
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
