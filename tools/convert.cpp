#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <segx/io/weight_file.hpp>
#include <segx/train/recipe_json.hpp>

#include "commands.hpp"
#include "models.hpp"

namespace segx::tool {

namespace {

struct convert_words {
  std::string weights, out;
  std::optional<std::string> trained_on, licence;
  bool half = false;
};

void convert(const convert_words& w) {
  auto [values, card] = load_weights(w.weights, model_of(w.weights));
  if (w.trained_on) { card.trained_on = *w.trained_on; }
  if (w.licence) { card.licence = *w.licence; }
  if (card.recipe.starts_with("{")) {  // older files have words
    try {
      const recipe how = parse_recipe(card.recipe);
      // Where the training's files were is nobody's affair; the checksum stays that of the training.
      if (const std::string rest = recipe_json(without_folders(how)); rest != recipe_json(how)) { card.recipe = rest; }
    } catch (const error& wrong) { fail({w.weights, ": the recipe in its card: ", wrong.what()}); }
  }
  save_weights(w.out, values, card, w.half);
  std::cout << w.out << ": " << std::filesystem::file_size(w.out) / 1000 << " KB\n";
}

}  // namespace

void add_convert(CLI::App& app) {
  auto words = std::make_shared<convert_words>();
  CLI::App* command = app.add_subcommand(
      "convert", "Write a weight file anew, to publish it: in half the space, or with other words in its card");
  command->add_option("--weights", words->weights, "weight file")->required();
  command->add_option("--out", words->out, "weight file to write")->required();
  command->add_flag("--half", words->half,
                    "numbers of 16 bits instead of 32: half the bytes, the same masks but for a few pixels");
  command->add_option("--trained-on", words->trained_on, "for the model card: the data and their terms");
  command->add_option("--licence", words->licence, "for the model card: terms of the weights");
  command->callback([words] { convert(*words); });
}

}  // namespace segx::tool
