#include <segx/train/paper_recipes.hpp>

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include <segx/data/augment/parse.hpp>
#include <segx/losses/parse.hpp>
#include <segx/train/recipe_data.hpp>

using namespace segx;

TEST_CASE("the paper's recipes are recipes, as the paper trained") {
  const std::vector<paper_model> models = paper_recipes();
  REQUIRE(models.size() == 5);
  std::set<std::string_view> keys;
  for (const paper_model& m : models) {
    INFO(m.key);
    CHECK(keys.insert(m.key).second);
    for (const recipe& r : {m.full, m.small}) {
      CHECK_NOTHROW(checked(r));
      CHECK_NOTHROW(parse_loss(r.loss));
      CHECK_NOTHROW(parse_augmentation(r.augmentation));
    }
    CHECK(m.small.loss == m.full.loss);
    CHECK(m.small.augmentation == m.full.augmentation);
    CHECK(m.small.doubled == m.full.doubled);
    CHECK(m.small.schedule == m.full.schedule);
    CHECK(m.small.epochs < m.full.epochs);
    CHECK(m.small.width < m.full.width);
  }
  CHECK(models[0].full.doubled);
  CHECK(models[0].full.batch == 16);
  CHECK(models[1].feed == "stream");
  CHECK(models[1].full.augmentation == "none");
  CHECK(has_windows(models[2].full));
  CHECK(models[2].full.height == 512);
  CHECK(models[2].full.epochs == 40);
  CHECK(models[4].full.epochs == 100);
  CHECK(models[4].full.model == models[0].full.model);
}
