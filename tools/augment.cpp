#include <algorithm>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <segx/data/augment.hpp>
#include <segx/data/augment/preview.hpp>
#include <segx/data/dataset.hpp>
#include <segx/data/loader.hpp>
#include <segx/data/split.hpp>
#include <segx/train/recipe_data.hpp>

#include "commands.hpp"
#include "models.hpp"
#include "recipe_words.hpp"

namespace segx::tool {

namespace {

struct augment_words {
  explicit augment_words(CLI::App* command)
      : recipe{command, recipe_words::scope::pictures, {.validation = 0, .augmentation = "chest_xray"}} {}

  recipe_words recipe;
  std::string data, preview;
  std::optional<int> channels;
  int samples = 4, count = 5;
};

void write_preview(const augment_words& w) {
  const recipe r = w.recipe.as_given();
  const augment_in_turn augment = w.recipe.made_by([](const recipe& given) {
    scan_options_of(given);
    loader_options_of(given, 1, feed::in_memory, true);
    return parse_augmentation(given.augmentation);
  });
  dataset data = scan_folder(w.data, scan_options_of(r));
  expect_not_read(w.preview, files_in(data));
  split parts;
  if (r.validation > 0 || !r.validation_list.empty()) {
    parts = split_of(data, r);
  } else {
    parts.train.resize(data.samples.size());
    std::iota(parts.train.begin(), parts.train.end(), 0);
  }
  if (r.doubled) { double_by_mirroring(data, parts); }
  std::vector<int> shown;
  const std::size_t all = parts.train.size(), rows = std::min(static_cast<std::size_t>(w.samples), all);
  for (std::size_t k = 0; k < rows; ++k) { shown.push_back(parts.train[k * all / rows]); }  // spread over all

  const int channels = w.channels ? *w.channels : model_named(r.model).channels;
  loader_options training = loader_options_of(r, channels, feed::in_memory, true);
  training.augment = augment;
  const loader_options validation = loader_options_of(r, channels, feed::in_memory, false);
  write_png(w.preview, augmentation_sheet(data, shown, validation, training, w.count));
  std::cout << augment.text() << '\n';
}

}  // namespace

void add_augment(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "augment",
      "Show what random changes of training images look like: a picture with a row for each of some samples, first as "
      "validation sees it, then as the first epochs of a training do, with its mask's outline. With --recipe, as the "
      "training by that recipe does. Prints the augmentation with all its settings");
  auto words = std::make_shared<augment_words>(command);
  command->add_option("--preview", words->preview, "PNG to write")->required();
  command->add_option("--data", words->data, "folder with images/ and masks/, or masks_<class>/")->required();
  command->add_option("--samples", words->samples, "rows")->check(CLI::Range(1, 100))->capture_default_str();
  command->add_option("--count", words->count, "random versions of each sample")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command
      ->add_option("--channels", words->channels, "1: gray, 3: colour; if not given, as the recipe's network has them")
      ->check(CLI::IsMember({1, 3}));
  command->callback([words] { write_preview(*words); });
}

}  // namespace segx::tool
