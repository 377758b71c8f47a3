#include <segx/train/recipe_json.hpp>

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "temporary_folder.hpp"

using Catch::Matchers::Contains;

namespace {

/// Every member other than by default.
segx::recipe other_recipe() {
  return {.model = "unet \"8\"",
          .height = 96,
          .width = 160,
          .framing = "window",
          .foreground = 0.25,
          .validation = 0.1,
          .validation_list = "val.txt",
          .mask_threshold = 128,
          .labels = "exclusive",
          .classes = "background,lung",
          .normalisation = "imagenet",
          .augmentation = "none",
          .doubled = true,
          .pretrained = "encoder.safetensors",
          .steady = "encoder",
          .loss = "dice",
          .optimizer = "adamw",
          .learning_rate = 3e-4,
          .learning_rate_factors = {{"encoder", 0.1}, {"head", 0}},
          .schedule = "step(30,60;0.1)",
          .warm_up = 1.5,
          .weight_decay = 0.02,
          .decay_biases = true,
          .momentum = 0.8,
          .clip_norm = 1,
          .clip_value = 0.25,
          .epochs = 90,
          .batch = 4,
          .accumulate = 2,
          .average = 0.999,
          .dropout_until = 0.5,
          .patience = 7,
          .min_delta = 0.001,
          .seed = 18446744073709551615U};
}

}  // namespace

TEST_CASE("a recipe in one line is what it says") {
  CHECK(
      segx::recipe_json(other_recipe()) ==
      R"({"model": "unet \"8\"", "height": 96, "width": 160, "framing": "window", "foreground": 0.25, "validation": 0.1, "validation_list": "val.txt", )"
      R"("mask_threshold": 128, "labels": "exclusive", "classes": "background,lung", "normalisation": "imagenet", )"
      R"("augmentation": "none", "doubled": true, "pretrained": "encoder.safetensors", "steady": "encoder", "loss": "dice", "optimizer": "adamw", )"
      R"("learning_rate": 3e-04, "learning_rate_factors": {"encoder": 0.1, "head": 0}, )"
      R"j("schedule": "step(30,60;0.1)", "warm_up": 1.5, "weight_decay": 0.02, "decay_biases": true, )j"
      R"("momentum": 0.8, "clip_norm": 1, "clip_value": 0.25, "epochs": 90, "batch": 4, "accumulate": 2, )"
      R"("average": 0.999, "dropout_until": 0.5, "patience": 7, "min_delta": 0.001, )"
      R"("seed": 18446744073709551615})");
}

TEST_CASE("a recipe reads back, from one line and from many, and its checksum tells it from others") {
  for (const segx::recipe& r : {segx::recipe{}, other_recipe()}) {
    CHECK(segx::recipe_json(segx::parse_recipe(segx::recipe_json(r))) == segx::recipe_json(r));
    CHECK(segx::recipe_json(segx::parse_recipe(segx::recipe_json(r, "\n  "))) == segx::recipe_json(r));
  }
  CHECK(segx::recipe_sha256({}) == segx::recipe_sha256(segx::parse_recipe("{}")));
  CHECK(segx::recipe_sha256({}) != segx::recipe_sha256({.seed = 1}));
  CHECK(segx::recipe_sha256({}).size() == 64);
  CHECK(segx::recipe_sha256({.validation_list = "/here/val.txt"}) ==
        segx::recipe_sha256({.validation_list = "val.txt"}));
  CHECK(segx::recipe_sha256({.pretrained = "/here/a"}) != segx::recipe_sha256({.pretrained = "/here/b"}));
}

TEST_CASE("every member of a recipe has a field, a word and a meaning of its own") {
  std::set<std::string_view> keys, words;
  const segx::recipe standard, other = other_recipe();
  for (const segx::recipe_field& field : segx::recipe_fields) {
    INFO(field.key);
    CHECK(keys.insert(field.key).second);
    CHECK(words.insert(field.word).second);
    CHECK_FALSE(field.meaning.empty());
    CHECK(segx::detail::field_json(standard, field) != segx::detail::field_json(other, field));
  }
}

TEST_CASE("what a recipe does not name keeps its default") {
  const segx::recipe r = segx::parse_recipe(" {\"epochs\": 3,\n\"weight_decay\": null }\n");
  CHECK(r.epochs == 3);
  CHECK_FALSE(r.weight_decay.has_value());
  const segx::recipe lists = segx::parse_recipe(R"j({"augmentation": ["flip", "rotate(10)"], "classes": []})j");
  CHECK(lists.augmentation == "flip,rotate(10)");
  CHECK(lists.classes.empty());
  CHECK_THROWS_WITH(segx::parse_recipe(R"({"augmentation": ["flip", 3]})"),
                    Contains("\"augmentation\" must be a text in quotes, or a list of such texts"));
  CHECK(segx::difference({}, r) == "epochs is 20 and not 3");
  CHECK(segx::difference(r, r).empty());
}

TEST_CASE("an unknown key is refused with its line and the known ones") {
  CHECK_THROWS_WITH(segx::parse_recipe("{\"epochs\": 3,\n \"lerning_rate\": 1}"),
                    Contains("line 2: a recipe has no key \"lerning_rate\"; it has model, height, width") &&
                        Contains("learning_rate, ") && Contains(", seed"));
  CHECK_THROWS_WITH(segx::parse_recipe("{\"epochs\": 3, \"epochs\": 4}"), Contains("\"epochs\" stands there twice"));
}

TEST_CASE("a value of another kind is refused with the kind that is expected") {
  const auto said = [](const std::string& text) { return message_of([&] { segx::parse_recipe(text); }); };
  for (const char* number : {"\"3\"", "3.5", "1e1", "03", "-", "true", "null", "", "99999999999"}) {
    INFO(number);
    CHECK_THAT(said("{\"epochs\": " + std::string(number) + "}"), Contains("\"epochs\" must be a whole number"));
  }
  CHECK_THAT(said("{\"batch\": 99999999999}"), Contains("\"batch\" must be a whole number, from 1 to 1024"));
  CHECK_THAT(said("{\"seed\": -1}"), Contains("\"seed\" must be a whole number, from 0 to 18446744073709551615"));
  for (const char* number : {"\"3\"", "03", ".5", "5.", "-.5", "+1", "inf", "nan", "1e", "1.e5", "--1"}) {
    INFO(number);
    CHECK_THAT(said("{\"momentum\": " + std::string(number) + "}"), Contains("\"momentum\" must be a number"));
  }
  CHECK_THAT(said("{\"loss\": bce}"), Contains("\"loss\" must be a text in quotes"));
  CHECK_THAT(said("{\"decay_biases\": 1}"), Contains("\"decay_biases\" must be true or false"));
  CHECK_THAT(said("{\"weight_decay\": \"1\"}"), Contains("\"weight_decay\" must be a number or null"));
  CHECK_THAT(said("{\"learning_rate_factors\": {\"a\": {}}}"), Contains("must be names and numbers"));
  for (const char* text :
       {"", "[]", "{", "{\"epochs\": 3", "{\"epochs\": 3,}", "{\"epochs\" 3}", "{epochs: 3}", "{} {}"}) {
    INFO(text);
    CHECK_THAT(said(text), Contains("line 1: "));
  }
}

TEST_CASE("numbers in a recipe are read as JSON writes them") {
  for (const auto& [text, value] : {std::pair{"0.5", 0.5}, {"5e-1", 0.5}, {"0.05E+1", 0.5}, {"1", 1.0}, {"0", 0.0}}) {
    INFO(text);
    CHECK(segx::parse_recipe("{\"momentum\": " + std::string(text) + "}").momentum == value);
  }
}

TEST_CASE("a recipe out of range is refused with the member, the value and the range") {
  CHECK_THROWS_WITH(segx::checked({.epochs = 0}), Contains("epochs is 0, must be from 1 to 1000000"));
  CHECK_THROWS_WITH(segx::checked({.average = 1}), Contains("average is 1, must be from 0"));
  CHECK_THROWS_WITH(segx::checked({.mask_threshold = -1}), Contains("mask_threshold is -1"));
  CHECK_THROWS_WITH(segx::checked({.learning_rate_factors = {{"head", -2}}}),
                    Contains("learning_rate_factors of head is -2"));
  CHECK_THROWS_WITH(segx::checked({.schedule = "cosin"}), Contains("'cosin'"));
  CHECK_THROWS_WITH(segx::checked({.warm_up = 20}), Contains("warm_up is 20, must be less than the 20 epochs"));
  CHECK(segx::checked({.schedule = "step(3, 6; 0.1)"}).schedule == "step(3,6;0.1)");
  const segx::recipe once = segx::checked({.schedule = "poly( 0.9 )"});
  CHECK(segx::recipe_json(segx::checked(once)) == segx::recipe_json(once));
}

TEST_CASE("a recipe's file is named in what is wrong with it") {
  const temporary_folder folder;
  const auto file = folder / "mine.json";
  CHECK_THROWS_WITH(segx::read_recipe(file), Contains(file.string()));
  write_text(file, "{\"batch\": 0}");
  CHECK_THROWS_WITH(segx::read_recipe(file), Contains(file.string() + ": batch is 0"));
  write_text(file, "{\"batch\": 2,\n\"batches\": 0}");
  CHECK_THROWS_WITH(segx::read_recipe(file), Contains(file.string() + ": line 2: "));
  write_text(file, "{\"batch\": 2}");
  CHECK(segx::read_recipe(file).batch == 2);
  write_text(file, "\xEF\xBB\xBF{\"batch\": 3}");  // as some editors save
  CHECK(segx::read_recipe(file).batch == 3);
}
