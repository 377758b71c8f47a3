#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include <segx/core/joined.hpp>
#include <segx/data/dataset.hpp>
#include <segx/losses/parse.hpp>
#include <segx/train/classes.hpp>
#include <segx/train/first_weights.hpp>
#include <segx/train/run_folder.hpp>
#include <segx/train/trainer.hpp>

#include "commands.hpp"
#include "device_words.hpp"
#include "interruption.hpp"
#include "models.hpp"
#include "recipe_words.hpp"
#include "training_devices.hpp"
#include "training_texts.hpp"

namespace segx::tool {

namespace {

struct train_words {
  explicit train_words(CLI::App* command) : recipe(command) {}

  recipe_words recipe;
  device_words device;
  std::string data, out, feed = "auto", trained_on, licence;
  int threads = 0;
  bool print = false, resume = false, quiet = false;
};

/// True if an augmentation, as its text says, mirrors left to right.
bool mirrors(const std::string& augmentation) {
  constexpr std::string_view flip = "flip(", vertical = "vertical_";
  for (std::size_t at = augmentation.find(flip); at != augmentation.npos; at = augmentation.find(flip, at + 1)) {
    if (!std::string_view{augmentation}.substr(0, at).ends_with(vertical)) { return true; }
  }
  return false;
}

/// Throws `error` for what is wrong with a recipe whatever the images are: such mistakes cost nothing but a line.
void expect_trainable(const recipe& r, bool resume) {
  const scan_options asked = scan_options_of(r);
  dataset expected;  // as the folder will look, as far as the recipe says it
  expected.labels = asked.labels.value_or(asked.classes.size() > 1 ? label_kind::overlapping : label_kind::binary);
  if (!asked.classes.empty()) { expected.classes = asked.classes; }
  const any_network network = model_named(r.model, static_cast<int>(expected.classes.size()), expected.labels);
  trainer<any_network>::check(r, network);
  expect_classes(network, r.model, expected, parse_loss(r.loss));
  if (!r.pretrained.empty() && !resume) { first_weights(r, network); }
}

template <class Backend>
void train(const recipe& r, const train_words& w) {
  run_folder::expect(w.out, w.resume);
  const dataset data = scan_folder(w.data, scan_options_of(r));
  const int classes = static_cast<int>(data.classes.size());
  const any_network network = model_named(r.model, classes, data.labels);
  const split parts = split_of(data, r);
  const model_card card = card_of_training(w.trained_on, w.licence, parts.train.size(), w.data);
  using training_of_recipe = trainer<any_network, Backend>;
  if (w.resume) { training_of_recipe::is_finished(w.out, data, parts, r, network); }  // throws if it is of another one

  const run_options run{.folder = w.out,
                        .threads = w.threads,
                        .numbers = w.device.precision_of_gpu(),
                        .deterministic = !w.device.fastest,
                        .feed = w.feed,
                        .resume = w.resume,
                        .quiet = w.quiet,
                        .augment = parse_augmentation(r.augmentation),
                        .card = card,
                        .should_stop = [] { return interrupted.load(); }};
  training_of_recipe training{data, parts, r, parse_loss(r.loss), run, network};
  std::cerr << r.model << " at " << r.height << "x" << r.width << ": " << network.parameter_count << " parameters; "
            << (classes > 1 ? joined({classes, " classes (", class_list(data.classes), "); "}) : "")
            << parts.train.size() << " images to train on, " << parts.val.size() << " to validate; "
            << memory_text(training.bytes(), training.feeding()) << '\n';

  if (!training.feeding().fits()) {
    std::cerr << "warning: that is more memory than is available, the system may end this training; take a smaller "
                 "--batch, --size or --model\n";
  }
  if (names_sides(data.classes) && (r.doubled || mirrors(r.augmentation))) {
    std::cerr << "warning: classes are named for their sides, but images are mirrored (flip, doubled), and masks with "
                 "them: the network cannot learn which side is which; choose another --augment\n";
  }

  for (const std::string& name : classes_without_pixels(data, parts.train)) {
    std::cerr << "warning: no mask to train on has the class \"" << name << "\": the network cannot learn to find it\n";
  }

  heed_interruptions();
  const train_result result = training.run();
  if (!result.finished) {
    std::cerr << "stopped and saved; the same command with --resume goes on\n";
    return;
  }
  if (result.epochs < r.epochs) {
    std::cerr << "ended after epoch " << result.epochs << " of " << r.epochs << ": no better validation IoU for "
              << r.patience << " epochs\n";
  }
  std::cout << "best validation IoU " << result.best_iou << " (mean over images) in epoch " << result.best_epoch << ": "
            << (run.folder / "best.safetensors").string() << '\n';
}

void run(const train_words& w) {
  const recipe r = w.recipe.effective([&](const recipe& made) { expect_trainable(made, w.resume); });
  if (w.print) {
    std::cout << recipe_json(r, "\n  ");
    return;
  }
  if (w.data.empty()) { throw CLI::RequiredError("--data"); }
  if (w.out.empty()) { throw CLI::RequiredError("--out"); }
  on_device(w.device.device, [&]<class Backend>(std::type_identity<Backend>) { train<Backend>(r, w); });
}

}  // namespace

void add_train(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "train",
      "Train a network; leaves OUT/best.safetensors (the weights that were best on the validation images), "
      "OUT/last.ckpt, OUT/recipe.json, OUT/val.txt (the names of those images), OUT/log.csv, OUT/log.jsonl and "
      "OUT/curves.png. Ctrl-C saves and ends, with status 0; "
      "--resume goes on, bit for bit");
  auto words = std::make_shared<train_words>(command);
  command->add_option("--data", words->data, "folder with images/ and masks/");
  command->add_option("--out", words->out, "folder of this training");
  command->add_flag("--print-recipe", words->print, "print the recipe that these words make, and end");
  command
      ->add_option("--feed", words->feed,
                   "memory: all images stay there; stream: batches are read as needed; auto: memory, if they fit")
      ->check(CLI::IsMember({"auto", "memory", "stream"}))
      ->capture_default_str();
  command->add_option("--threads", words->threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  words->device.add_to_training(command);
  command->add_option("--trained-on", words->trained_on, "for the model card: the data and their terms");
  command->add_option("--licence", words->licence, "for the model card: terms of the weights");
  command->add_flag("--resume", words->resume, "go on with the training in OUT");
  command->add_flag("--quiet", words->quiet, "no progress");
  command->callback([words] { run(*words); });
}

}  // namespace segx::tool
