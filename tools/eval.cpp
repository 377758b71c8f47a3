#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/losses/parse.hpp>
#include <segx/metrics/bootstrap.hpp>
#include <segx/metrics/classes.hpp>
#include <segx/predict/segmenter.hpp>
#include <segx/train/evaluate.hpp>

#include "commands.hpp"
#include "models.hpp"
#include "segmenter_words.hpp"
#include "whole_images.hpp"

namespace segx::tool {

namespace {

struct eval_words {
  std::string weights, data, list, json, per_image, loss;
  int mask_threshold = -1;
  bool intervals = false;
  segmenter_words looks;
};

void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span{text}));
}

std::string per_image_csv(const dataset& data, const evaluation& e) {
  std::ostringstream csv;
  csv.precision(6);
  csv << "name,iou,dice,precision,recall,specificity,accuracy";
  const std::vector<std::string> classes = classes_in_log(data);  // none if there is only one
  for (const std::string& name : classes) { csv << ",iou " << name << ",dice " << name; }
  csv << '\n';
  for (std::size_t i = 0; i < e.indices.size(); ++i) {
    const confusion& c = e.per_image[i];
    csv << data.samples[e.indices[i]].stem << ',' << c.iou() << ',' << c.dice() << ',' << c.precision() << ','
        << c.recall() << ',' << c.specificity() << ',' << c.accuracy();
    for (std::size_t k = 0; k < classes.size(); ++k) {
      csv << ',' << e.per_class[i][k].iou() << ',' << e.per_class[i][k].dice();
    }
    csv << '\n';
  }
  return csv.str();
}

/// 95 % intervals of the means over images, as a bootstrap finds them; images[i] are the counts of one class or more,
/// of whose scores the mean counts.
nlohmann::ordered_json intervals_of(const std::vector<std::vector<confusion>>& images) {
  const auto interval = [&](auto score) {
    std::vector<double> values;
    for (const auto& classes : images) {
      values.push_back(macro_mean<confusion>(std::span{classes}, score, background::counted));
    }
    const auto [low, high] = bootstrap_mean(std::span<const double>{values});
    return nlohmann::ordered_json{low, high};
  };
  return {{"iou_mean", interval(&confusion::iou)}, {"dice_mean", interval(&confusion::dice)}};
}

/// The scores of class k of those that are scored.
nlohmann::ordered_json class_json(const std::string& name, const evaluation& e, std::size_t k, bool intervals) {
  const segmentation_summary& s = e.classes[k];
  nlohmann::ordered_json json{{"name", name},
                              {"iou_micro", s.iou_micro},
                              {"iou_mean", s.iou_mean},
                              {"dice_mean", s.dice_mean},
                              {"precision_micro", s.precision_micro},
                              {"recall_micro", s.recall_micro}};
  if (intervals) {
    std::vector<std::vector<confusion>> images;
    for (const auto& counts : e.per_class) { images.push_back({counts[k]}); }
    json["intervals_95"] = intervals_of(images);
  }
  return json;
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
                              {"loss_name", w.loss},
                              {"measured_at", w.looks.names_fit() ? "the image's size" : "the network's size"}};
  if (w.intervals) { json["intervals_95"] = intervals_of(e.per_class); }
  const std::vector<std::string> classes = classes_in_log(data);
  auto of_classes = nlohmann::ordered_json::array();
  for (std::size_t k = 0; k < classes.size(); ++k) { of_classes.push_back(class_json(classes[k], e, k, w.intervals)); }
  if (!classes.empty()) { json["classes"] = of_classes; }
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

/// Images and masks stretched to the network's size, as in training, and compared there.
evaluation at_network_size(const eval_words& w, const loaded_weights<any_network>& loaded, const dataset& data,
                           const std::vector<int>& indices, std::optional<int> mask_threshold) {
  const model_card& card = loaded.card;
  const any_loss loss = parse_loss(w.loss);
  expect_classes(loaded.values.network(), card.model, data, loss);
  const segmenter_options how = w.looks.options();
  loader samples{data,
                 indices,
                 {.height = card.height,
                  .width = card.width,
                  .channels = loaded.values.network().channels,
                  .normalise = parse_normalisation(card.normalisation),
                  .batch = 1,
                  .mode = feed::streamed,
                  .shuffle = false,
                  .mask_threshold = mask_threshold}};
  averaged_network<any_network> network{loaded.values, card.height, card.width, how.passes, how.threads};
  return evaluate(
      network, samples, loss, threshold_of(card), [](long) {}, data.labels);
}

evaluation at_image_size(const eval_words& w, const loaded_weights<any_network>& loaded, const dataset& data,
                         const std::vector<int>& indices, std::optional<int> mask_threshold) {
  segmenter<any_network> network{loaded, w.looks.options()};
  return evaluate_whole_images(network, data, indices, mask_threshold, [](auto&&...) {});
}

void evaluate_on(eval_words w) {
  const loaded_weights<any_network> loaded = load_weights(w.weights, model_of(w.weights));
  const any_network& network = loaded.values.network();
  const std::optional<int> mask_threshold = w.mask_threshold >= 0 ? std::optional{w.mask_threshold} : std::nullopt;
  scan_options scan{.mask_threshold = mask_threshold, .labels = label_kind_of(network)};
  if (network.classes > 1) { scan.classes = class_names_of(loaded.card, network.classes); }
  const dataset data = scan_folder(w.data, scan);
  std::vector<int> indices(data.samples.size());
  std::iota(indices.begin(), indices.end(), 0);
  if (!w.list.empty()) { indices = split_by_list(data, w.list).val; }
  if (w.loss.empty()) { w.loss = data.labels == label_kind::exclusive ? "cross_entropy" : "bce+jaccard"; }
  const auto measure = w.looks.names_fit() ? &at_image_size : &at_network_size;
  const evaluation e = measure(w, loaded, data, indices, mask_threshold);

  const auto json = as_json(data, e, w);
  if (!w.per_image.empty()) { write_text(w.per_image, per_image_csv(data, e)); }
  if (!w.json.empty()) { write_text(w.json, json.dump(2) + "\n"); }
  std::cout << json.dump(2) << '\n';
}

}  // namespace

void add_eval(CLI::App& app) {
  auto words = std::make_shared<eval_words>();
  CLI::App* command =
      app.add_subcommand("eval",
                         "Measure weights on images with known masks; prints JSON. '_micro': over all "
                         "pixels of all images, '_mean': mean over images; of several classes all "
                         "together, and each. Measured at the network's size or, with --fit, at the "
                         "image's. An image that has nothing in mask and prediction counts as 1, in one "
                         "of them as 0");
  command->add_option("--weights", words->weights, "weight file")->required();
  command->add_option("--data", words->data, "folder with images/ and masks/, or masks_CLASS/ for each class")
      ->required();
  command->add_option("--list", words->list,
                      "file with the names of the images to use, one a line; others are left out");
  command->add_option(
      "--loss", words->loss,
      "loss to report; bce+jaccard, or of classes that exclude one another cross_entropy, if not given");
  command->add_option("--json", words->json, "write the JSON to this file, too");
  command->add_option("--per-image", words->per_image, "write a CSV file with a line for each image");
  command
      ->add_option("--mask-threshold", words->mask_threshold, "gray value from which a mask that is not binary counts")
      ->check(CLI::Range(0, 65535));
  command->add_flag("--ci", words->intervals, "95 % confidence intervals of the means, by a bootstrap over the images");
  words->looks.add_to(command);
  command->callback([words] { evaluate_on(*words); });
}

}  // namespace segx::tool
