#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/image/write_image.hpp>
#include <segx/kernels/cpu.hpp>
#include <segx/train/curves.hpp>
#include <segx/train/paper_recipes.hpp>
#include <segx/train/trainer.hpp>

#include "commands.hpp"
#include "device_words.hpp"
#include "interruption.hpp"
#include "json_document.hpp"
#include "models.hpp"
#include "recipe_words.hpp"
#include "training_devices.hpp"
#include "training_texts.hpp"
#include "whole_images.hpp"

namespace segx::tool {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

struct paper_words {
  explicit paper_words(CLI::App* command) : data_recipe{command, recipe_words::scope::data} {}

  recipe_words data_recipe;
  device_words device;
  std::string data, out, scale = "small", pretrained, trained_on, licence;
  std::vector<std::string> models;
  int epochs = 0, threads = 0;
  bool quiet = false;
};

std::vector<std::string> paper_keys() {
  std::vector<std::string> keys;
  for (const paper_model& m : paper_recipes()) { keys.emplace_back(m.key); }
  return keys;
}

/// The recipe of a model at the scale that is asked for, on the data that are given.
recipe recipe_of(const paper_model& m, const paper_words& w) {
  recipe r = w.scale == "paper" ? m.full : m.small;
  const recipe given = w.data_recipe.effective();
  r.validation = given.validation;
  r.validation_list = given.validation_list;
  r.mask_threshold = given.mask_threshold;
  r.labels = given.labels;
  r.classes = given.classes;
  r.seed = given.seed;
  if (w.epochs > 0) { r.epochs = w.epochs; }
  if (m.has_encoder && !w.pretrained.empty()) {
    r.pretrained = w.pretrained;
    r.normalisation = "imagenet";
  }
  return canonical(r);
}

/// A row of the table.
struct paper_result {
  paper_model model;
  segx::recipe recipe;
  std::string fed, device;  // in training; empty where that was before, and no table says it
  bool trained_now = false;
  epoch_record best;   // the epoch whose weights were kept
  double seconds = 0;  // of all epochs
  int epochs = 0;
  segmentation_summary whole;  // of the validation images, at their own size
};

/// Image, true mask and found mask of some images, a row each, as large as fits `side`.
class picture_rows {
 public:
  picture_rows(int classes, int images) : classes_{classes}, images_{images} {}

  /// Of `images` images, four are shown that are spread over all.
  void see(const cv::Mat& image, const cv::Mat& truth, const cv::Mat& found) {
    constexpr int rows = 4;
    const int k = seen_++, shown = std::min(rows, images_);
    if (k * shown / images_ == (k + 1) * shown / images_) { return; }
    cv::Mat picture;
    image.convertTo(picture, CV_8U, 255);
    if (picture.channels() == 3) { cv::cvtColor(picture, picture, cv::COLOR_RGB2BGR); }
    for (const cv::Mat& cell : {picture, picture_of(truth), picture_of(found)}) {
      constexpr double side = 320;
      const double factor = side / std::max(cell.rows, cell.cols);
      cv::Mat sized;
      cv::resize(cell, sized, {}, factor, factor, factor < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
      cells_.push_back(sized);
    }
  }

  cv::Mat sheet() const { return contact_sheet(cells_, 3); }

 private:
  /// White on black; several classes in colours.
  cv::Mat picture_of(const cv::Mat& labels) const {
    if (classes_ == 1) { return labels * 255; }
    std::vector<cv::Mat> masks;
    for (int k = 0; k < classes_; ++k) { masks.push_back(mask_of_class(labels, label_kind::overlapping, k)); }
    return overlay_classes(cv::Mat::zeros(labels.size(), CV_32FC1), masks);
  }

  int classes_, images_;
  int seen_ = 0;
  std::vector<cv::Mat> cells_;
};

fs::path folder_of(const paper_model& m, const paper_words& w) { return fs::path{w.out} / m.key; }

std::string device_of(const paper_words& w) {
  if (w.device.is_gpu()) { return joined({"CUDA, ", w.device.precision_name()}); }
  const int threads = detail::thread_count(w.threads);
  return joined({cpu_instruction_set(), ", ", threads, threads == 1 ? " thread" : " threads"});
}

/// What the recipe and the log of a finished training say.
paper_result result_of(const paper_model& m, const paper_words& w) {
  const std::vector<epoch_record> log = read_log(folder_of(m, w) / "log.csv");
  paper_result result;
  result.model = m;
  result.recipe = without_folders(read_recipe(folder_of(m, w) / "recipe.json"));
  result.epochs = static_cast<int>(log.size());
  const epoch_record* best = best_epoch(log);
  if (best == nullptr) { fail({(folder_of(m, w) / "log.csv").string(), ": no epoch is in this log"}); }
  result.best = *best;
  for (const epoch_record& e : log) { result.seconds += e.seconds; }
  return result;
}

/// The rows of the table that is there already; none where it is not, or is no table.
json rows_before(const paper_words& w) {
  const fs::path file = fs::path{w.out} / "table1.json";
  if (!fs::exists(file)) { return json::array(); }
  const std::vector<std::byte> bytes = read_file(file);
  const json table = json::parse(std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()}, nullptr,
                                 /*allow_exceptions=*/false);
  return table.is_object() && table.contains("models") ? table["models"] : json::array();
}

/// Trains a model, or goes on with it; nothing if that was interrupted.
template <class Backend>
std::optional<paper_result> train_model(const paper_model& m, const recipe& r, const paper_words& w,
                                        const dataset& data, const split& parts) {
  const fs::path folder = folder_of(m, w);
  const any_network network = model_named(r.model, static_cast<int>(data.classes.size()), data.labels);
  const model_card card = card_of_training(w.trained_on, w.licence, parts.train.size(), w.data);
  trainer<any_network, Backend> training{data,
                                         parts,
                                         r,
                                         parse_loss(r.loss),
                                         {.folder = folder,
                                          .threads = w.threads,
                                          .numbers = w.device.precision_of_gpu(),
                                          .deterministic = !w.device.fastest,
                                          .feed = std::string{m.feed},
                                          .resume = fs::exists(folder / "last.ckpt"),
                                          .quiet = w.quiet,
                                          .augment = parse_augmentation(r.augmentation),
                                          .card = card,
                                          .should_stop = [] { return interrupted.load(); }},
                                         network};
  std::cerr << m.name << ": " << r.model << " at " << r.height << "x" << r.width << ", " << r.epochs << " epochs; "
            << memory_text(training.bytes(), training.feeding()) << '\n';
  const train_result ended = training.run();
  if (!ended.finished) { return {}; }

  paper_result result = result_of(m, w);
  result.fed = training.feeding().mode == feed::in_memory ? "memory" : "stream";
  result.device = device_of(w);
  result.trained_now = true;
  return result;
}

/// Measures the kept weights on whole images, and writes curves and pictures.
template <class Backend>
void show(paper_result& result, const paper_words& w, const dataset& data, const split& parts) {
  const std::string key{result.model.key};
  const fs::path out = w.out;
  write_png(out / joined({"curves-", key, ".png"}), curves_figure(read_log(out / key / "log.csv")));

  const fs::path best = out / key / "best.safetensors";
  const loaded_weights<any_network> loaded = load_weights(best, model_of(best));
  segmenter<any_network, Backend> network{loaded,
                                          {.fitting = has_windows(result.recipe) ? fit::tile : fit::stretch,
                                           .threads = w.threads,
                                           .numbers = w.device.precision_of_gpu()}};
  picture_rows pictures{network.classes(), static_cast<int>(parts.val.size())};
  result.whole = evaluate_whole_images(network, data, parts.val, result.recipe.mask_threshold, [&](auto&... of) {
                   pictures.see(of...);
                 }).summary;
  write_png(out / joined({"pictures-", key, ".png"}), pictures.sheet());
}

/// A model that was trained before, by the same recipe on the same images, shown anew; nothing where that is not so.
/// Models that nobody asks for now may have been trained otherwise, or be damaged: they are left out, which is said.
template <class Backend>
std::optional<paper_result> trained_before(const paper_model& m, const recipe& r, const paper_words& w, bool is_wanted,
                                           const dataset& data, const split& parts, const json& rows) {
  if (!fs::exists(folder_of(m, w))) { return {}; }
  try {
    const any_network network = model_named(r.model, static_cast<int>(data.classes.size()), data.labels);
    if (!trainer<any_network>::is_finished(folder_of(m, w), data, parts, r, network)) {
      if (!is_wanted) { std::cerr << m.name << ": not in the table, as its training has not ended\n"; }
      return {};
    }
    paper_result result = result_of(m, w);
    const auto text = [](const json& row, const char* key) {
      const json value = row.is_object() ? row.value(key, json()) : json();
      return value.is_string() ? value.get<std::string>() : std::string{};
    };
    for (const json& row : rows) {
      if (text(row, "key") != m.key || text(row, "recipe_sha256") != recipe_sha256(result.recipe)) { continue; }
      result.fed = text(row, "feed");
      result.device = text(row, "device");
    }
    show<Backend>(result, w, data, parts);
    std::cerr << m.name << ": trained before, and not now\n";
    return result;
  } catch (const error& wrong) {
    if (is_wanted) { throw; }
    std::cerr << m.name << ": not in the table: " << wrong.what() << '\n';
    return {};
  }
}

// ---- the table ----

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

std::string known(std::string_view text) { return text.empty() ? "–" : std::string{text}; }

std::string begins_with(const recipe& r) {
  return r.pretrained.empty() ? "random weights"
                              : joined({"the encoder of ", fs::path{r.pretrained}.filename().string()});
}

std::string about(const paper_words& w, const split& parts) {
  return joined({parts.train.size(), " images of ", name_of_folder(w.data), " to train on, ", parts.val.size(),
                 " to validate; scale ", w.scale, w.epochs > 0 ? joined({", but ", w.epochs, " epochs"}) : "", "; ",
                 device_of(w)});
}

/// Names the rows that were not trained now, and what they were trained on where that was something else.
std::string older_rows(const std::vector<paper_result>& results, const paper_words& w) {
  std::string names;
  for (const paper_result& r : results) {
    if (r.trained_now) { continue; }
    const bool is_other = !r.device.empty() && r.device != device_of(w);
    names += joined({names.empty() ? "" : "; ", r.model.name, is_other ? joined({" (", r.device, ")"}) : ""});
  }
  return names.empty() ? "" : joined({"\nTrained before, and not now: ", names, ".\n"});
}

std::string markdown(const std::vector<paper_result>& results, const paper_words& w, const split& parts) {
  std::string text =
      joined({"# Table 1\n\n", about(w, parts),
              ".\n\n| Model | Network | Input | Begins with | Loss | Epochs | Time | Training loss | Training IoU | "
              "Validation loss | Validation IoU | Dice | Accuracy | Whole images IoU | Dice | "
              "Paper: validation IoU | Dice or F1 | Epochs | Time |\n"});
  for (int column = 0; column < 19; ++column) { text += "|---"; }
  text += "|\n";
  for (const paper_result& r : results) {
    const auto [channels, height, width] = shape{model_named(r.recipe.model).channels, r.recipe.height, r.recipe.width};
    const std::string input = joined({channels, "×", height, "×", width});
    const paper_figures& p = r.model.published;
    for (const std::string& cell :
         {std::string{r.model.name}, joined({"`", r.recipe.model, "`"}), input, begins_with(r.recipe),
          joined({"`", r.recipe.loss, "`"}), std::to_string(r.epochs), clock_text(r.seconds), number(r.best.train_loss),
          number(r.best.train_iou), number(r.best.val_loss), number(r.best.val_iou_mean), number(r.best.val_dice_mean),
          number(r.best.val_accuracy), number(r.whole.iou_mean), number(r.whole.dice_mean), known(p.iou), known(p.dice),
          known(p.epochs), known(p.time)}) {
      text += joined({"| ", cell, " "});
    }
    text += "|\n";
  }
  return joined(
      {text,
       "\nScores are those of the epoch with the best validation IoU (mean over images; training: over all pixels, "
       "while "
       "the weights moved), at the network's size; of whole images, at their own. Time is that of all epochs.\n",
       older_rows(results, w)});
}

json as_json(const paper_result& r) {
  const auto text_or_null = [](std::string_view text) { return text.empty() ? json(nullptr) : json(text); };
  const paper_figures& p = r.model.published;
  return {{"key", r.model.key},
          {"name", r.model.name},
          {"recipe", json::parse(recipe_json(r.recipe))},
          {"recipe_sha256", recipe_sha256(r.recipe)},
          {"begins_with", begins_with(r.recipe)},
          {"feed", text_or_null(r.fed)},
          {"device", text_or_null(r.device)},
          {"trained_now", r.trained_now},
          {"epochs", r.epochs},
          {"best_epoch", r.best.epoch},
          {"seconds", r.seconds},
          {"training", {{"loss", r.best.train_loss}, {"iou", r.best.train_iou}, {"dice", r.best.train_dice}}},
          {"validation",
           {{"loss", r.best.val_loss},
            {"iou", r.best.val_iou_mean},
            {"dice", r.best.val_dice_mean},
            {"accuracy", r.best.val_accuracy}}},
          {"whole_images", {{"iou", r.whole.iou_mean}, {"dice", r.whole.dice_mean}}},
          {"paper",
           {{"validation_iou", text_or_null(p.iou)},
            {"dice", text_or_null(p.dice)},
            {"epochs", text_or_null(p.epochs)},
            {"time", text_or_null(p.time)}}}};
}

void write_table(const std::vector<paper_result>& results, const paper_words& w, const split& parts) {
  json table{{"about", about(w, parts)}, {"models", json::array()}};
  for (const paper_result& r : results) { table["models"].push_back(as_json(r)); }
  const std::string text = markdown(results, w, parts), numbers = joined({document_of(table), "\n"});
  write_file_atomically(fs::path{w.out} / "table1.md", std::as_bytes(std::span{text}));
  write_file_atomically(fs::path{w.out} / "table1.json", std::as_bytes(std::span{numbers}));
}

template <class Backend>
void run(const paper_words& w) {
  if (!w.pretrained.empty() && w.scale != "paper") {
    fail("--pretrained: the encoders of the small scale are narrower than any published one; use --scale paper");
  }
  struct row {
    paper_model model;
    segx::recipe recipe;
    bool is_wanted;
    std::optional<paper_result> result;
  };
  std::vector<row> rows;
  for (const paper_model& m : paper_recipes()) {
    const bool is_wanted = std::find(w.models.begin(), w.models.end(), m.key) != w.models.end();
    rows.push_back({m, recipe_of(m, w), is_wanted, {}});
    if (is_wanted) { trainer<any_network>::check(rows.back().recipe, model_named(rows.back().recipe.model)); }
  }
  const dataset data = scan_folder(w.data, scan_options_of(rows.front().recipe));
  const split parts = split_of(data, rows.front().recipe);
  make_folder(w.out);
  heed_interruptions();

  const auto results = [&] {
    std::vector<paper_result> all;
    for (const row& r : rows) {
      if (r.result) { all.push_back(*r.result); }
    }
    return all;
  };
  const json before = rows_before(w);
  for (row& r : rows) { r.result = trained_before<Backend>(r.model, r.recipe, w, r.is_wanted, data, parts, before); }
  for (row& r : rows) {
    if (!r.is_wanted || r.result) { continue; }
    r.result = train_model<Backend>(r.model, r.recipe, w, data, parts);
    if (!r.result) {
      std::cerr << "stopped and saved; the same command goes on\n";
      return;
    }
    show<Backend>(*r.result, w, data, parts);
    write_table(results(), w, parts);
  }
  write_table(results(), w, parts);
  std::cout << markdown(results(), w, parts);
}

}  // namespace

void add_paper(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "paper",
      "Train and compare the five models of the paper that segx began with. Writes OUT/table1.md and OUT/table1.json, "
      "OUT/curves-MODEL.png, OUT/pictures-MODEL.png (image, true mask, found mask), and in OUT/MODEL what 'segx train' "
      "leaves. The same command goes on where it was stopped; what is trained is not trained again. Models that OUT "
      "has already, trained in the same way, stay in the table");
  auto words = std::make_shared<paper_words>(command);
  // The models end in sigmoids, which their losses read.
  command->get_option("--labels")
      ->description("what masks mean: binary, or overlapping classes; auto: as the folder looks")
      ->check(CLI::IsMember({"auto", "binary", "overlapping"}));
  command->get_option("--classes")->description("names of the classes, separated by commas");
  words->models = paper_keys();
  command->add_option("--data", words->data, "folder with images/ and masks/")->required();
  command->add_option("--out", words->out, "folder to write to")->required();
  command
      ->add_option("--scale", words->scale,
                   "paper: as the paper trained; small: narrower, smaller and shorter, an hour on two cores")
      ->check(CLI::IsMember({"small", "paper"}))
      ->capture_default_str();
  command->add_option("--models", words->models, "which of them, separated by commas")
      ->delimiter(',')
      ->check(CLI::IsMember(paper_keys()))
      ->capture_default_str();
  command->add_option("--pretrained", words->pretrained,
                      "ImageNet weights of efficientnet_b3, made by 'segx import', that the encoders begin with");
  command->add_option("--epochs", words->epochs, "instead of each model's own, to try it out")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--threads", words->threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  words->device.add_to_training(command);
  command->add_option("--trained-on", words->trained_on, "for the model cards: the data and their terms");
  command->add_option("--licence", words->licence, "for the model cards: terms of the weights");
  command->add_flag("--quiet", words->quiet, "no progress");
  command->callback([words] {
    on_device(words->device.device, [&]<class Backend>(std::type_identity<Backend>) { run<Backend>(*words); });
  });
}

}  // namespace segx::tool
