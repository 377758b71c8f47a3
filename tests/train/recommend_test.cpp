#include <segx/train/recommend.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include <segx/core/joined.hpp>
#include <segx/data/augment/parse.hpp>
#include <segx/losses/parse.hpp>
#include <segx/train/classes.hpp>
#include <segx/train/recipe_data.hpp>

using Catch::Matchers::Contains;
using namespace segx;

namespace {

image_facts facts(int height, int width, double share, int objects, double extent) {
  image_facts f;
  f.height = height;
  f.width = width;
  f.mean = 0.5;
  f.deviation = 0.2;
  f.shares = {share};
  f.objects = objects;
  f.object_extent = extent;
  return f;
}

survey of_images(int count, const image_facts& f) {
  survey s;
  s.images.assign(static_cast<std::size_t>(count), f);
  s.classes = {"foreground"};
  return s;
}

survey of_lungs() { return of_images(500, facts(512, 512, 0.25, 2, 190)); }

candidate_network candidate(const char* name, int channels, std::int64_t parameters, double macs, double rate) {
  return {name,
          channels,
          parameters,
          macs,
          [](const recipe& r) { return 1'000'000 + std::int64_t{50} * r.batch * r.height * r.width; },
          [rate](int, int) { return rate; }};
}

/// All of which compute at the same rate.
std::vector<candidate_network> networks(double rate = 1e11) {
  return {candidate("large", 1, 30'000'000, 8e5, rate), candidate("small", 1, 500'000, 1e4, rate),
          candidate("middle", 1, 2'000'000, 4e4, rate), candidate("colour", 3, 500'000, 1e4, rate)};
}

recommendation advice(const survey& s, const planning_limits& limits = {},
                      const std::vector<candidate_network>& candidates = networks()) {
  const int images = static_cast<int>(s.images.size()), val = images / 5;
  return recommend(s, images - val, val, candidates, limits);
}

std::string why(const recommendation& r, const std::string& setting) {
  for (const choice& c : r.choices) {
    if (c.setting == setting) { return c.why; }
  }
  return "";
}

}  // namespace

TEST_CASE("large organs are resized, in the aspect of their images") {
  const recipe square = advice(of_lungs()).recipe;
  CHECK(square.framing == "stretch");
  CHECK(square.height == 256);
  CHECK(square.width == 256);
  const recipe wide = advice(of_images(500, facts(394, 512, 0.3, 2, 180))).recipe;
  CHECK(wide.height == 224);
  CHECK(wide.width == 288);
  const recipe tiny = advice(of_images(500, facts(100, 90, 0.3, 2, 40))).recipe;
  CHECK(tiny.height == 96);
  CHECK(tiny.width == 96);
}

TEST_CASE("small objects in large images are seen through windows, in small images as they are") {
  const recommendation r = advice(of_images(500, facts(1024, 1024, 0.1, 60, 20)));
  CHECK(r.recipe.framing == "window");
  CHECK(r.recipe.height == 256);
  CHECK_THAT(why(r, "framing"), Contains("100 %"));
  CHECK(advice(of_images(500, facts(256, 256, 0.1, 60, 12))).recipe.framing == "stretch");
  survey mixed = of_images(100, facts(256, 256, 0.1, 60, 12));
  std::fill_n(mixed.images.begin(), 20, facts(1024, 768, 0.1, 60, 20));
  CHECK(advice(mixed).recipe.framing == "window");
}

TEST_CASE("augmentation knows sides, and objects without up and down") {
  CHECK(advice(of_lungs()).recipe.augmentation == "chest_xray");
  CHECK_THAT(advice(of_images(500, facts(256, 256, 0.1, 60, 12))).recipe.augmentation, Contains("rotate(180)"));
  survey sides = of_lungs();
  sides.classes = {"lung_left"};
  const recommendation r = advice(sides);
  CHECK_THAT(r.recipe.augmentation, !Contains("flip"));
  CHECK_THAT(why(r, "augmentation"), Contains("left from right"));
  for (const char* name : {"Left_Lung", "lungL", "lungRight", "L", "kidney (right)"}) {
    CHECK(segx::names_sides({"a", name}));
  }
  for (const char* name : {"bright", "cleft", "lung", "leftover", "LL"}) {
    CHECK_FALSE(segx::names_sides({"a", name}));
  }
}

TEST_CASE("the loss fits the kind of labels, and rare foreground") {
  const auto loss = [](label_kind kind, double share) {
    survey s = of_images(500, facts(512, 512, share, 2, 190));
    s.labels = kind;
    if (kind != label_kind::binary) {
      s.classes = {"a", "b"};
      for (image_facts& f : s.images) { f.shares = {0.4, share}; }
    }
    const recipe r = advice(s).recipe;
    parse_augmentation(r.augmentation);
    const auto reads = parse_loss(r.loss).facts().reads;
    REQUIRE(reads);
    CHECK((*reads == probability::softmax) == (kind == label_kind::exclusive));
    return r.loss;
  };
  CHECK(loss(label_kind::binary, 0.2) == "bce+jaccard");
  CHECK(loss(label_kind::binary, 0.01) == "bce+tversky");
  CHECK_THAT(loss(label_kind::overlapping, 0.2), Contains("over=channel"));
  CHECK_THAT(loss(label_kind::exclusive, 0.01), Contains("cross_entropy+softmax_tversky"));
}

TEST_CASE("the network is the largest that trains in time and that the images are enough for") {
  CHECK(advice(of_lungs()).recipe.model == "middle");
  CHECK(advice(of_lungs(), {.minutes = 1e4}, networks(1e12)).recipe.model == "large");
  CHECK(advice(of_lungs(), {.minutes = 0.01}, networks(1e12)).recipe.model == "small");
  const recommendation few = advice(of_images(100, facts(512, 512, 0.25, 2, 190)), {.minutes = 1e6}, networks(1e12));
  CHECK(few.recipe.model == "middle");
  CHECK_THAT(why(few, "network"), Contains("80 images are few"));

  survey colour = of_lungs();
  for (image_facts& f : colour.images) { f.colour = true; }
  CHECK(advice(colour).recipe.model == "colour");
  const std::vector<candidate_network> gray{networks()[0]};
  CHECK_THROWS_WITH(recommend(colour, 400, 100, gray, {}), Contains("no network for colour"));
}

TEST_CASE("the batch fits the memory and the number of images") {
  CHECK(advice(of_lungs()).recipe.batch == 8);
  const recommendation r = advice(of_lungs(), {.memory = 24'000'000});
  CHECK(r.recipe.batch == 3);
  CHECK(r.bytes == 1'000'000 + 3 * 50 * 256 * 256);
  CHECK(advice(of_images(50, facts(512, 512, 0.25, 2, 190))).recipe.batch == 4);
}

TEST_CASE("minutes follow from multiply-adds") {
  const recommendation r = advice(of_lungs());
  CHECK(r.recipe.epochs == 50);
  CHECK(r.macs == 4e4 * 256 * 256 * 50 * (3 * 400 + 100));
  CHECK(r.minutes() == Approx(r.macs / 1e11 / 60));
}

TEST_CASE("a network is chosen by the rate that it has at the recommended size, which is what is told") {
  std::vector<std::string> measured;
  const auto at = [&](const char* name, double macs, double rate) {
    candidate_network c = candidate(name, 1, 500'000, macs, 0);
    c.macs_per_second = [&measured, name, rate](int height, int width) {
      measured.push_back(joined({name, " ", height, "x", width}));
      return rate;
    };
    return c;
  };
  // Of 50 epochs with 400 images to train on and 100 to validate, the small network takes 7.1 minutes at 1e11.
  const std::vector<candidate_network> all{at("small", 1e4, 2e10), at("middle", 4e4, 1e11), at("large", 3e5, 1e11),
                                           at("huge", 1e8, 1e12)};
  const recommendation r = advice(of_lungs(), {.minutes = 60}, all);
  CHECK(r.recipe.model == "middle");
  CHECK(r.macs_per_second == 1e11);
  CHECK(r.minutes() < 60);
  CHECK_THAT(why(r, "network"), Contains("the largest that trains in 60 minutes"));
  CHECK(measured == std::vector<std::string>{"small 256x256", "middle 256x256", "large 256x256"});

  measured.clear();
  CHECK(advice(of_lungs(), {.minutes = 40}, all).recipe.model == "middle");  // four times its rate would not do
  CHECK(measured == std::vector<std::string>{"small 256x256", "middle 256x256"});
  measured.clear();
  const recommendation none = advice(of_lungs(), {.minutes = 1}, all);
  CHECK(none.recipe.model == "small");
  CHECK(none.minutes() > 1);
  CHECK_THAT(why(none, "network"), Contains("as none trains in 1 minute") && !Contains("minutes"));
  CHECK(measured == std::vector<std::string>{"small 256x256"});
}

TEST_CASE("values far from the middle are normalised by what they are") {
  CHECK(advice(of_lungs()).recipe.normalisation == "unit");
  survey dark = of_lungs();
  for (image_facts& f : dark.images) {
    f.mean = 0.06;
    f.deviation = 0.04;
  }
  const normalisation n = parse_normalisation(advice(dark).recipe.normalisation);
  CHECK(n.mean[0] == Approx(0.06));
  CHECK(n.deviation[0] == Approx(0.04));
}

TEST_CASE("images that differ in brightness deviate from what is their mean together") {
  survey mixed = of_lungs();
  for (std::size_t i = 0; i < mixed.images.size(); ++i) {
    mixed.images[i].mean = i % 4 == 0 ? 0.8 : 0;
    mixed.images[i].deviation = 0.06;
  }
  REQUIRE(mixed.images.size() % 4 == 0);
  const normalisation n = parse_normalisation(advice(mixed).recipe.normalisation);
  CHECK(n.mean[0] == Approx(0.2));
  CHECK(n.deviation[0] == Approx(std::sqrt(0.06 * 0.06 + 0.8 * 0.8 / 4 - 0.2 * 0.2)).margin(0.005));  // two digits
}

TEST_CASE("changes of brightness and noise leave dark and flat images something to see") {
  const auto with_values = [](survey s, double mean, double deviation) {
    for (image_facts& f : s.images) {
      f.mean = mean;
      f.deviation = deviation;
    }
    return advice(s).recipe.augmentation;
  };
  const survey cells = of_images(500, facts(256, 256, 0.1, 60, 12));
  CHECK_THAT(with_values(cells, 0.5, 0.2), Contains("brightness(0.1)") && Contains("noise(0.02)"));
  CHECK_THAT(with_values(cells, 0.06, 0.1), Contains("brightness(0.03)") && Contains("noise(0.006)"));
  CHECK_THAT(with_values(cells, 0.97, 0.1), Contains("brightness(0.015)"));
  CHECK_THAT(with_values(cells, 0.5, 0.02), Contains("brightness(0.01)") && Contains("noise(0.002)"));
  CHECK_THAT(with_values(cells, 0, 0), Contains("brightness(0.001)"));
  CHECK_THAT(with_values(of_lungs(), 0.06, 0.1), Contains("flip") && Contains("brightness(0.03)"));
  parse_augmentation(with_values(of_lungs(), 0.06, 0.1));
}

TEST_CASE("what the rules do not choose stays, and masks without anything are refused") {
  const recommendation r =
      recommend(of_lungs(), 400, 100, networks(), {}, {.validation_list = "val.txt", .labels = "binary", .seed = 7});
  CHECK(r.recipe.validation_list == "val.txt");
  CHECK(r.recipe.seed == 7);
  CHECK(r.choices.size() == 8);
  CHECK(std::all_of(r.choices.begin(), r.choices.end(), [](const choice& c) { return !c.why.empty(); }));
  CHECK_NOTHROW(checked(r.recipe));
  CHECK_THROWS_WITH(advice(of_images(500, facts(512, 512, 0, 0, 0))), Contains("all masks are empty"));
}
