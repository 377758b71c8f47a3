#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/image/read_image.hpp>
#include <segx/image/report_page.hpp>
#include <segx/image/write_image.hpp>
#include <segx/metrics/confusion.hpp>
#include <segx/predict/labels.hpp>
#include <segx/train/curves.hpp>

#include "commands.hpp"
#include "file_words.hpp"
#include "models.hpp"

namespace segx::tool {

namespace {

namespace fs = std::filesystem;

struct report_words {
  std::string out, run, data, list, masks, metrics, title = "Segmentation report", summary, reproduce;
  int cases = 12;
  std::optional<int> mask_threshold;
};

std::string number_text(const nlohmann::json& value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value.get<double>());
  return text;
}

/// What `segx eval` found.
nlohmann::json scores_of(const fs::path& file) {
  const std::vector<std::byte> bytes = read_file(file);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  nlohmann::json scores = nlohmann::json::parse(text, text + bytes.size(), nullptr, false);
  const auto has_text = [&](const char* key) { return scores.contains(key) && scores[key].is_string(); };
  if (!scores.is_object() || !scores.contains("iou_mean") || !scores.contains("images")) {
    fail({file.string(), ": not the JSON of 'segx eval'"});
  }
  for (const char* key : {"weights", "recipe_sha256", "images_sha256", "data", "measured_at"}) {
    if (!has_text(key)) { fail({file.string(), ": has no \"", key, "\", as that of an older segx; measure again"}); }
  }
  return scores;
}

/// The card of the training's weights. Throws `error` unless they find one class.
model_card card_of_one_class(const report_words& w) {
  const fs::path weights = fs::path{w.run} / "best.safetensors";
  const model_card card = read_card(weights);
  if (const auto classes = class_names_of(card); classes.size() != 1) {
    fail({weights.string(), ": of ", classes.size(), " classes (", card.classes, "), but a report shows one"});
  }
  return card;
}

/// Throws `error` unless the scores are those of the training's weights on the images that are shown.
void expect_of_one_training(const report_words& w, const model_card& card, const nlohmann::json& scores,
                            std::size_t images) {
  const auto text = [&](const char* key) { return scores[key].get<std::string>(); };
  if (text("recipe_sha256") != card.recipe_sha256 || text("images_sha256") != card.images_sha256) {
    fail({w.metrics, ": measured the weights ", text("weights"), ", which another training than that in ", w.run,
          " left"});
  }
  if (fs::weakly_canonical(text("data")) != fs::weakly_canonical(w.data)) {
    fail({w.metrics, ": measured on ", text("data"), ", but the pictures would be of ", w.data});
  }
  if (scores["images"] != images) {
    fail({w.metrics, ": measured on ", scores["images"].dump(), " images, but the pictures would be of ", images,
          "; give both commands the same --list, or none"});
  }
}

/// The scores of `segx eval`, with what they mean.
std::vector<report_metric> metric_rows(const nlohmann::json& scores) {
  std::vector<report_metric> rows;
  const auto row = [&](const char* key, const char* name, const char* meaning) {
    if (scores.contains(key) && scores[key].is_number()) { rows.push_back({name, number_text(scores[key]), meaning}); }
  };
  row("iou_mean", "IoU, mean over images", "overlap divided by union of mask and truth");
  row("iou_micro", "IoU, over all pixels", "all images taken together");
  row("dice_mean", "Dice, mean over images", "also called F1");
  row("precision_micro", "Precision", "share of the mask that is right");
  row("recall_micro", "Recall", "share of the truth that is found");
  row("accuracy", "Accuracy", "share of pixels that are right");
  row("loss", "Loss", "what training made small");
  return rows;
}

/// Predicted and true mask of one held-out image.
struct both_masks {
  fs::path file;
  cv::Mat predicted, truth;

  both_masks(const report_words& w, const sample& s) : file{fs::path{w.masks} / joined({s.stem, ".png"})} {
    if (!fs::exists(file)) {
      fail({file.string(), ": no such file; --masks must hold what 'segx predict' makes of each image of --data"});
    }
    truth = read_mask(s.masks.at(0), w.mask_threshold);
    predicted = read_mask(file);
    if (predicted.size() != truth.size()) { fail({file.string(), ": has another size than ", s.masks.at(0).string()}); }
  }

  double iou() const {
    const auto view = [](const cv::Mat& m) { return mask_view{m.ptr<std::uint8_t>(), m.rows, m.cols}; };
    return count_from_masks(view(predicted), view(truth)).iou();
  }
};

/// Writes the pictures of one held-out image.
report_case make_case(const report_words& w, const sample& s) {
  const both_masks masks{w, s};
  const fs::path out = w.out;
  const cv::Mat gray = read_gray(s.image);
  cv::Mat preview;
  gray.convertTo(preview, CV_8U, 255);
  const std::string picture = joined({"pictures/", s.stem, ".png"}), outlined = joined({"overlays/", s.stem, ".png"});
  write_png(out / picture, preview);
  write_png(out / outlined, overlay(gray, masks.predicted, masks.truth));
  return {s.stem, picture, fs::relative(masks.file, out).generic_string(), outlined, masks.iou()};
}

/// Nothing that is read may be replaced by a picture.
void expect_apart(const fs::path& out, const sample& s, const fs::path& predicted) {
  for (const fs::path& file : {s.image, s.masks.at(0), predicted}) {
    for (const char* folder : {"pictures", "overlays"}) {
      std::error_code ignored;
      if (fs::equivalent(file.parent_path(), out / folder, ignored)) {
        fail({file.string(), ": lies in a folder that the report writes to; give --out another one"});
      }
    }
  }
}

/// The held-out samples, all or those of the list.
std::vector<sample> shown_samples(const report_words& w) {
  const dataset data = scan_folder(w.data, {.mask_threshold = w.mask_threshold, .labels = label_kind::binary});
  if (w.list.empty()) { return data.samples; }
  std::vector<sample> listed;
  for (const int index : samples_in_list(data, w.list)) {
    listed.push_back(data.samples[static_cast<std::size_t>(index)]);
  }
  return listed;
}

void write_report(const report_words& w) {
  const nlohmann::json scores = scores_of(w.metrics);
  const model_card card = card_of_one_class(w);
  const std::vector<sample> samples = shown_samples(w);
  expect_of_one_training(w, card, scores, samples.size());
  const fs::path out = w.out;
  report page;
  page.title = w.title;
  page.summary = w.summary;
  page.reproduce = w.reproduce;
  page.metrics = metric_rows(scores);
  page.metrics_note = joined({"Measured at ", scores["measured_at"].get<std::string>(),
                              "; the IoU of each image below, at the image's size."});
  const cv::Mat curves = curves_figure(read_log(fs::path{w.run} / "log.csv"));
  // If one is wrong, nothing is written.
  for (const sample& s : samples) { expect_apart(out, s, both_masks{w, s}.file); }

  make_folder(out / "pictures");
  make_folder(out / "overlays");
  write_png(out / "curves.png", curves);
  page.curves = "curves.png";
  page.cases_note = "Blue: the network's mask. Orange: the true outline.";

  for (const sample& s : samples) { page.cases.push_back(make_case(w, s)); }
  std::vector<report_case> worst = page.cases;
  std::stable_sort(worst.begin(), worst.end(), [](const auto& a, const auto& b) { return a.iou < b.iou; });
  worst.resize(std::min<std::size_t>(5, worst.size()));
  for (const report_case& c : worst) { page.worst.push_back({c.stem, c.iou, c.overlay}); }
  page.cases.resize(std::min<std::size_t>(static_cast<std::size_t>(w.cases), page.cases.size()));

  const std::string html = report_page(page);
  write_file_atomically(out / "index.html", std::as_bytes(std::span{html}));
  std::cout << "wrote " << (out / "index.html").string() << '\n';
}

}  // namespace

void add_report(CLI::App& app) {
  auto words = std::make_shared<report_words>();
  CLI::App* command =
      app.add_subcommand("report",
                         "Make one HTML page of the training of a network that has one class: metrics, curves, "
                         "pictures of held-out images");
  command->add_option("--out", words->out, "folder to write index.html and its pictures to")->required();
  command->add_option("--run", words->run, "folder of the training")->required();
  command->add_option("--metrics", words->metrics, "JSON of 'segx eval'")->required();
  command->add_option("--data", words->data, "held-out images and masks")->required();
  command->add_option("--list", words->list,
                      "file with the names of the images to use, one a line, as for 'segx eval'");
  command->add_option("--masks", words->masks, "masks that 'segx predict' made of them")->required();
  command->add_option("--title", words->title, "heading")->capture_default_str();
  command->add_option("--summary", words->summary, "a paragraph below it");
  command->add_option("--reproduce", words->reproduce, "the commands, a line each");
  command->add_option("--cases", words->cases, "images in the gallery")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  add_mask_threshold(command, words->mask_threshold);
  command->callback([words] { write_report(*words); });
}

}  // namespace segx::tool
