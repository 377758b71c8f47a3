#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/losses/parse.hpp>
#include <segx/predict/segmenter.hpp>
#include <segx/train/evaluate.hpp>

#include "commands.hpp"
#include "models.hpp"

namespace segx::tool {

namespace {

struct eval_words {
  std::string weights, data, list, json, per_image, loss = "bce+jaccard";
  int threads = 0, mask_threshold = -1;
};

void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span{text}));
}

std::string per_image_csv(const dataset& data, const evaluation& e) {
  std::ostringstream csv;
  csv.precision(6);
  csv << "name,iou,dice,precision,recall,specificity,accuracy\n";
  for (std::size_t i = 0; i < e.indices.size(); ++i) {
    const confusion& c = e.per_image[i];
    csv << data.samples[e.indices[i]].stem << ',' << c.iou() << ',' << c.dice() << ',' << c.precision() << ','
        << c.recall() << ',' << c.specificity() << ',' << c.accuracy() << '\n';
  }
  return csv.str();
}

nlohmann::ordered_json as_json(const dataset& data, const evaluation& e, const eval_words& w) {
  const segmentation_summary& s = e.summary;
  nlohmann::ordered_json json{{"weights", w.weights},
                              {"data", w.data},
                              {"images", s.images},
                              {"iou_micro", s.iou_micro},
                              {"iou_mean", s.iou_mean},
                              {"dice_mean", s.dice_mean},
                              {"f1_micro", s.f1_micro},
                              {"precision_micro", s.precision_micro},
                              {"recall_micro", s.recall_micro},
                              {"specificity_micro", s.specificity_micro},
                              {"accuracy", s.accuracy},
                              {"loss", e.loss},
                              {"loss_name", w.loss}};
  std::vector<std::size_t> order(e.indices.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return e.per_image[a].iou() < e.per_image[b].iou(); });
  auto worst = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(10, order.size()); ++i) {
    worst.push_back({{"name", data.samples[e.indices[order[i]]].stem}, {"iou", e.per_image[order[i]].iou()}});
  }
  json["worst"] = worst;
  return json;
}

void evaluate_on(const eval_words& w) {
  const any_loss loss = parse_loss(w.loss);
  const loaded_weights<any_network> loaded = load_weights(w.weights, model_of(w.weights));
  const std::optional<int> mask_threshold = w.mask_threshold >= 0 ? std::optional{w.mask_threshold} : std::nullopt;
  const dataset data = scan_folder(w.data, {.mask_threshold = mask_threshold});
  std::vector<int> indices(data.samples.size());
  std::iota(indices.begin(), indices.end(), 0);
  if (!w.list.empty()) { indices = split_by_list(data, w.list).val; }

  loader_options settings{.height = loaded.card.height, .width = loaded.card.width, .batch = 1, .mode = feed::streamed};
  settings.shuffle = false;
  settings.mask_threshold = mask_threshold;
  loader samples{data, indices, settings};
  session<any_network> network{loaded.values, loaded.card.height, loaded.card.width, {1, w.threads}};
  const float threshold = segmenter<any_network>{loaded, {.threads = 1}}.threshold();
  const evaluation e = evaluate(network, samples, loss, threshold, [](long) {});

  const auto json = as_json(data, e, w);
  if (!w.per_image.empty()) { write_text(w.per_image, per_image_csv(data, e)); }
  if (!w.json.empty()) { write_text(w.json, json.dump(2) + "\n"); }
  std::cout << json.dump(2) << '\n';
}

}  // namespace

void add_eval(CLI::App& app) {
  auto words = std::make_shared<eval_words>();
  CLI::App* command = app.add_subcommand("eval",
                                         "Measure weights on images with known masks, at the network's size; prints "
                                         "JSON. '_micro': over all pixels of all "
                                         "images, '_mean': mean over images. An image without lung in mask and "
                                         "prediction counts as 1, in one of them as 0");
  command->add_option("--weights", words->weights, "weight file")->required();
  command->add_option("--data", words->data, "folder with images/ and masks/")->required();
  command->add_option("--list", words->list,
                      "file with the names of the images to use, one a line; others are left out");
  command->add_option("--loss", words->loss, "loss to report")->capture_default_str();
  command->add_option("--json", words->json, "write the JSON to this file, too");
  command->add_option("--per-image", words->per_image, "write a CSV file with a line for each image");
  command
      ->add_option("--mask-threshold", words->mask_threshold, "gray value from which a mask that is not binary counts")
      ->check(CLI::Range(0, 65535));
  command->add_option("--threads", words->threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->callback([words] { evaluate_on(*words); });
}

}  // namespace segx::tool
