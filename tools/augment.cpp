#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <segx/data/augment.hpp>
#include <segx/data/augment/preview.hpp>
#include <segx/data/dataset.hpp>
#include <segx/image/resize_image.hpp>
#include <segx/train/recipe_data.hpp>

#include "commands.hpp"
#include "file_words.hpp"

namespace segx::tool {

namespace {

struct augment_words {
  std::string data, preview, augment = "chest_xray";
  recipe looks;  // what masks mean
  int samples = 4, count = 5, size = 256, channels = 1;
  std::uint64_t seed = 0;
};

void write_preview(const augment_words& w) {
  const augment_in_turn augment = parse_augmentation(w.augment);
  const dataset data = scan_folder(w.data, scan_options_of(w.looks));
  std::vector<image_and_mask> shown;
  const int all = static_cast<int>(data.samples.size()), rows = std::min(w.samples, all);
  for (int k = 0; k < rows; ++k) {  // spread over the folder
    const sample& s = data.samples[static_cast<std::size_t>(k) * all / rows];
    shown.push_back({resize_image(to_unit(read_pixels(s.image, w.channels)), w.size, w.size),
                     resize_mask(read_labels(data, s, w.looks.mask_threshold), w.size, w.size)});
  }
  write_png(w.preview,
            augmentation_sheet(shown, data.labels, static_cast<int>(data.classes.size()), augment, w.count, w.seed));
  std::cout << augment.text() << '\n';
}

}  // namespace

void add_augment(CLI::App& app) {
  auto words = std::make_shared<augment_words>();
  CLI::App* command = app.add_subcommand("augment",
                                         "Show what random changes of training images look like: a picture with a row "
                                         "for each of some samples, first as it "
                                         "is, with its mask's outline. Prints the augmentation with all its settings");
  command->add_option("--preview", words->preview, "PNG to write")->required();
  command->add_option("--data", words->data, "folder with images/ and masks/, or masks_<class>/")->required();
  command
      ->add_option("--augment", words->augment,
                   "what to do: flip,rotate(10),scale(0.9,1.1),sometimes(0.3,blur(1)); a set: chest_xray, paper")
      ->capture_default_str();
  command->add_option("--samples", words->samples, "rows")->check(CLI::Range(1, 100))->capture_default_str();
  command->add_option("--count", words->count, "random versions of each sample")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  command->add_option("--size", words->size, "height and width that images are resized to")
      ->check(CLI::Range(16, 4096))
      ->capture_default_str();
  command->add_option("--channels", words->channels, "1: gray, 3: colour")
      ->check(CLI::IsMember({1, 3}))
      ->capture_default_str();
  command->add_option("--labels", words->looks.labels, "what masks mean, as in 'segx train'")->capture_default_str();
  command->add_option("--classes", words->looks.classes, "names of the classes, separated by commas");
  add_mask_threshold(command, words->looks.mask_threshold);
  add_seed(command, words->seed, "the same seed gives the same picture");
  command->callback([words] { write_preview(*words); });
}

}  // namespace segx::tool
