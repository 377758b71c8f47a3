#include <atomic>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>

#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/losses/parse.hpp>
#include <segx/optim/any_optimizer.hpp>
#include <segx/train/trainer.hpp>

#include "commands.hpp"
#include "models.hpp"

namespace segx::tool {

namespace {

struct train_words {
  std::string data, out, val_list, model = "unet16", loss = "bce+jaccard", optimizer = "adam", rate = "constant",
                                   feed_name = "memory";
  std::string trained_on, licence;
  double validation = 0.2, learning_rate = 1e-3, dropout_until = 0.7;
  int size = 256, epochs = 20, batch = 8, threads = 0, mask_threshold = -1;
  std::uint64_t seed = 0;
  bool resume = false, quiet = false;
};

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

/// Everything that the trained weights depend on, as text; a training is resumed with the same.
std::string recipe_text(const train_words& w) {
  return "model " + w.model + ", size " + std::to_string(w.size) + ", loss " + w.loss + ", optimizer " + w.optimizer +
         ", learning rate " + detail::number_text(w.learning_rate) +
         (w.rate == "cosine" ? " falling along a cosine" : "") + ", dropout in the first " +
         detail::number_text(w.dropout_until) + " of " + std::to_string(w.epochs) + " epochs, batch " +
         std::to_string(w.batch) + ", horizontal flip, validation " +
         (w.val_list.empty() ? detail::number_text(w.validation) : "list") + ", seed " + std::to_string(w.seed);
}

void train(const train_words& w) {
  const any_network network = model_named(w.model);
  // Mistakes in the words cost nothing but a line: look at them before the images.
  any_loss loss = parse_loss(w.loss);
  any_optimizer optimizer = make_optimizer(w.optimizer, static_cast<std::size_t>(network.parameter_count),
                                           {.learning_rate = w.learning_rate});
  train_options options{.run = w.out,
                        .height = w.size,
                        .width = w.size,
                        .epochs = w.epochs,
                        .batch = w.batch,
                        .threads = w.threads,
                        .seed = w.seed,
                        .mode = w.feed_name == "memory" ? feed::in_memory : feed::streamed,
                        .resume = w.resume,
                        .learning_rate = w.learning_rate,
                        .rate = w.rate == "cosine" ? schedule::cosine : schedule::constant,
                        .dropout_until = w.dropout_until,
                        .recipe = recipe_text(w),
                        .trained_on = w.trained_on,
                        .quiet = w.quiet,
                        .should_stop = [] { return interrupted.load(); }};
  if (w.mask_threshold >= 0) { options.mask_threshold = w.mask_threshold; }
  const dataset data = scan_folder(w.data, {.mask_threshold = options.mask_threshold});
  const split parts =
      w.val_list.empty() ? split_by_fraction(data, w.validation, w.seed) : split_by_list(data, w.val_list);
  if (options.trained_on.empty()) {
    options.trained_on =
        std::to_string(parts.train.size()) + " images of " + std::filesystem::path{w.data}.filename().string();
  }
  model_card card;
  card.model = w.model;
  card.licence = w.licence;

  trainer<any_network, any_optimizer, any_loss> training{data,    parts,  std::move(optimizer), std::move(loss), card,
                                                         options, network};
  std::cerr << w.model << " at " << w.size << "x" << w.size << ": " << network.parameter_count << " parameters; "
            << parts.train.size() << " images to train on, " << parts.val.size() << " to validate; "
            << training.bytes() / 1000000 << " MB for network and gradients, " << training.resident_bytes() / 1000000
            << " MB for images\n";

  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
  const train_result result = training.run();
  if (!result.finished) {
    std::cerr << "stopped and saved; the same command with --resume goes on\n";
    return;
  }
  std::cout << "best validation IoU " << result.best_iou << " (mean over images) in epoch " << result.best_epoch << ": "
            << (options.run / "best.safetensors").string() << '\n';
}

}  // namespace

void add_train(CLI::App& app) {
  auto words = std::make_shared<train_words>();
  CLI::App* command = app.add_subcommand(
      "train",
      "Train a network; leaves OUT/best.safetensors (the weights that were best on the validation images), "
      "OUT/last.ckpt, "
      "OUT/log.csv, OUT/log.jsonl and OUT/curves.png. Ctrl-C saves and ends; --resume goes on, bit for bit");
  command->add_option("--data", words->data, "folder with images/ and masks/")->required();
  command->add_option("--out", words->out, "folder of this training")->required();
  command->add_option("--model", words->model, "network")->check(CLI::IsMember(model_names()))->capture_default_str();
  command->add_option("--size", words->size, "height and width that images are resized to")
      ->check(CLI::Range(16, 4096))
      ->capture_default_str();
  command->add_option("--loss", words->loss, "weighted sum of bce, jaccard, dice: bce+0.5*jaccard")
      ->capture_default_str();
  command->add_option("--optimizer", words->optimizer, "adam, adamw or sgd")->capture_default_str();
  command->add_option("--lr", words->learning_rate, "learning rate")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command
      ->add_option("--schedule", words->rate, "of the learning rate: constant, or cosine (to zero at the last epoch)")
      ->check(CLI::IsMember({"constant", "cosine"}))
      ->capture_default_str();
  command->add_option("--epochs", words->epochs, "passes over the training images")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--dropout-until", words->dropout_until,
                   "share of the training with dropout; the rest goes without, as the deployed network will")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--batch", words->batch, "images in a step")->check(CLI::Range(1, 1024))->capture_default_str();
  command->add_option("--seed", words->seed, "the same seed and threads give the same weights")->capture_default_str();
  CLI::Option* fraction = command->add_option("--val", words->validation, "share of the images to validate on")
                              ->check(CLI::Range(0.0, 1.0))
                              ->capture_default_str();
  command->add_option("--val-list", words->val_list, "file with the names of the validation images, one a line")
      ->excludes(fraction);
  command
      ->add_option("--mask-threshold", words->mask_threshold, "gray value from which a mask that is not binary counts")
      ->check(CLI::Range(0, 65535));
  command->add_option("--feed", words->feed_name, "memory: all images stay there; stream: batches are read as needed")
      ->check(CLI::IsMember({"memory", "stream"}))
      ->capture_default_str();
  command->add_option("--threads", words->threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--trained-on", words->trained_on, "for the model card: the data and their terms");
  command->add_option("--licence", words->licence, "for the model card: terms of the weights");
  command->add_flag("--resume", words->resume, "go on with the training in OUT");
  command->add_flag("--quiet", words->quiet, "no progress");
  command->callback([words] { train(*words); });
}

}  // namespace segx::tool
