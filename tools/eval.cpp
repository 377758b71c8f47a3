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

#include <segx/core/joined.hpp>
#include <segx/data/dataset.hpp>
#include <segx/data/split.hpp>
#include <segx/losses/parse.hpp>
#include <segx/metrics/bootstrap.hpp>
#include <segx/metrics/classes.hpp>
#include <segx/metrics/score_table.hpp>
#include <segx/metrics/surface.hpp>
#include <segx/predict/segmenter.hpp>
#include <segx/train/evaluate.hpp>
#include <segx/train/recipe.hpp>
#include <segx/train/recipe_json.hpp>

#include "commands.hpp"
#include "device_words.hpp"
#include "file_words.hpp"
#include "json_document.hpp"
#include "models.hpp"
#include "segmenter_words.hpp"
#include "whole_images.hpp"

namespace segx::tool {

namespace {

struct eval_words {
  std::string weights, data, list, json, per_image, loss;
  std::optional<int> mask_threshold;
  bool intervals = false;
  std::vector<double> spacing;  // none, one for both or that of rows and of columns
  segmenter_words looks;
  device_words device;

  /// Whether masks are compared in the images' own size, or where the network sees them: stretched, as in training.
  bool measures_images(const model_card& card) const { return looks.names_fit() || fit_of(card) != fit::stretch; }
  segmenter_options how() const { return looks.options(device.precision_of_gpu()); }
};

void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, std::as_bytes(std::span{text}));
}

template <class Unit>
using distance = std::optional<surface_distance<Unit>>;  // nothing where just one mask is empty

/// How far outlines are apart. `image` is the size of the image whose masks they are, which may have been resized.
struct in_pixels {
  using unit = pixel;
  distance<unit> operator()(const mask_view& predicted, const mask_view& truth, cv::Size) const {
    return surface_distances(predicted, truth);
  }
};
struct in_millimetres {
  using unit = millimetre;
  spacing of_image;  // of its own pixels

  distance<unit> operator()(const mask_view& predicted, const mask_view& truth, cv::Size image) const {
    return surface_distances(predicted, truth,
                             {static_cast<double>(image.height) / truth.height() * of_image.row,
                              static_cast<double>(image.width) / truth.width() * of_image.column});
  }
};

template <class Unit>
struct measured {
  evaluation scores;
  std::vector<std::vector<distance<Unit>>> surfaces;  // [image][class], as scores.per_class

  /// Of class k in each image.
  std::vector<distance<Unit>> of_class(std::size_t k) const {
    std::vector<distance<Unit>> images;
    for (const auto& classes : surfaces) { images.push_back(classes[k]); }
    return images;
  }
  /// Of each image the mean of the classes that have one.
  std::vector<distance<Unit>> of_images() const {
    std::vector<distance<Unit>> images;
    for (const auto& classes : surfaces) { images.push_back(summarize(std::span{classes}).mean); }
    return images;
  }
};

/// Names of the classes that are scored; one without a name of its own is called as in the weight file.
std::vector<std::string> scored_classes(const dataset& data, const model_card& card) {
  return data.classes.size() == 1 ? class_names_of(card) : classes_in_log(data);
}

template <class Unit>
std::string per_image_csv(const dataset& data, const model_card& card, const measured<Unit>& m) {
  const std::vector<std::string> names = scored_classes(data, card);
  std::vector<class_scores<Unit>> rows;
  for (std::size_t i = 0; i < m.surfaces.size(); ++i) {
    for (std::size_t k = 0; k < m.surfaces[i].size(); ++k) {
      const std::string& stem = data.samples[static_cast<std::size_t>(m.scores.indices[i])].stem;
      rows.push_back({stem, names.at(k), m.scores.per_class[i][k], m.surfaces[i][k]});
    }
  }
  return score_table(std::span<const class_scores<Unit>>{rows});
}

nlohmann::ordered_json interval_of(const std::vector<double>& values) {
  const auto [low, high] = bootstrap_mean(std::span{values});
  return {low, high};
}

/// 95 % intervals of the means over images, as a bootstrap finds them; images[i] are the counts of one class or more,
/// of whose scores the mean counts.
nlohmann::ordered_json intervals_of(const std::vector<std::vector<confusion>>& images) {
  const auto interval = [&](auto score) {
    std::vector<double> values;
    values.reserve(images.size());
    for (const auto& classes : images) {
      values.push_back(macro_mean<confusion>(std::span{classes}, score, background::counted));
    }
    return interval_of(values);
  };
  return {{"iou_mean", interval(&confusion::iou)}, {"dice_mean", interval(&confusion::dice)}};
}

/// Adds the means of the distances, null where no image has one, and how many images have none.
template <class Unit>
void add_distances(nlohmann::ordered_json& json, const std::vector<distance<Unit>>& images, bool intervals) {
  const surface_summary<Unit> summary = summarize(std::span{images});
  const auto add = [&](const std::string& name, length<Unit> surface_distance<Unit>::*which) {
    const std::string key = joined({name, "_", Unit::symbol, "_mean"});
    std::vector<double> values;
    for (const distance<Unit>& image : images) {
      if (image) { values.push_back(((*image).*which).value); }
    }
    json[key] = summary.mean ? nlohmann::ordered_json(((*summary.mean).*which).value) : nlohmann::ordered_json();
    if (intervals && !values.empty()) { json["intervals_95"][key] = interval_of(values); }
  };
  add("hd95", &surface_distance<Unit>::hd95);
  add("assd", &surface_distance<Unit>::assd);
  json["unmeasured"] = summary.unmeasured;
}

/// The scores of class k of those that are scored.
template <class Unit>
nlohmann::ordered_json class_json(const std::string& name, const measured<Unit>& m, std::size_t k, bool intervals) {
  const segmentation_summary& s = m.scores.classes[k];
  nlohmann::ordered_json json{{"name", name},
                              {"iou_micro", s.iou_micro},
                              {"iou_mean", s.iou_mean},
                              {"dice_mean", s.dice_mean},
                              {"precision_micro", s.precision_micro},
                              {"recall_micro", s.recall_micro}};
  if (intervals) {
    std::vector<std::vector<confusion>> images;
    for (const auto& counts : m.scores.per_class) { images.push_back({counts[k]}); }
    json["intervals_95"] = intervals_of(images);
  }
  add_distances(json, m.of_class(k), intervals);
  return json;
}

template <class Unit>
nlohmann::ordered_json as_json(const dataset& data, const model_card& card, const measured<Unit>& m,
                               const eval_words& w) {
  const evaluation& e = m.scores;
  const segmentation_summary& s = e.summary;
  nlohmann::ordered_json json{{"weights", w.weights},
                              {"recipe_sha256", card.recipe_sha256},
                              {"images_sha256", card.images_sha256},
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
                              {"measured_at", w.measures_images(card) ? "the image's size" : "the network's size"}};
  if (w.intervals) { json["intervals_95"] = intervals_of(e.per_class); }
  add_distances(json, m.of_images(), w.intervals);
  const std::vector<std::string> classes = classes_in_log(data);
  auto of_classes = nlohmann::ordered_json::array();
  for (std::size_t k = 0; k < classes.size(); ++k) { of_classes.push_back(class_json(classes[k], m, k, w.intervals)); }
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
template <class Backend, class Ruler>
auto at_network_size(const eval_words& w, const loaded_weights<any_network>& loaded, const dataset& data,
                     const std::vector<int>& indices, const Ruler& ruler) {
  const model_card& card = loaded.card;
  const any_loss loss = parse_loss(w.loss);
  expect_classes(loaded.values.network(), card.model, data, loss);
  const segmenter_options how = w.how();
  loader samples{data,
                 indices,
                 {.height = card.height,
                  .width = card.width,
                  .channels = loaded.values.network().channels,
                  .normalise = parse_normalisation(card.normalisation),
                  .batch = 1,
                  .mode = feed::streamed,
                  .shuffle = false,
                  .mask_threshold = w.mask_threshold}};
  averaged_network<any_network, Backend> network{loaded.values, card.height, card.width,
                                                 how.passes,    how.threads, how.numbers};
  measured<typename Ruler::unit> result;
  const auto measure = [&](long, const class_masks& masks, const std::vector<int>& batch) {
    for (int n = 0; n < masks.images(); ++n) {
      const sample& s = data.samples[static_cast<std::size_t>(batch[static_cast<std::size_t>(n)])];
      auto& classes = result.surfaces.emplace_back();
      for (int k = 0; k < masks.classes(); ++k) {
        classes.push_back(ruler(masks.predicted(n, k), masks.truth(n, k), {s.width, s.height}));
      }
    }
  };
  result.scores = evaluate(network, samples, loss, threshold_of(card), measure, data.labels);
  return result;
}

/// Label maps as `segx predict` writes them, compared with the masks as they are.
template <class Backend, class Ruler>
auto at_image_size(const eval_words& w, const loaded_weights<any_network>& loaded, const dataset& data,
                   const std::vector<int>& indices, const Ruler& ruler) {
  auto network = segmenter_of<Backend>(w.weights, loaded, w.how());
  measured<typename Ruler::unit> result;
  const auto measure = [&](const cv::Mat&, const cv::Mat& truth, const cv::Mat& found) {
    const auto mask = [&](const cv::Mat& m, int k) {
      const mask_view all{m.ptr<std::uint8_t>(), m.rows, m.cols};
      return data.labels == label_kind::exclusive ? all.of_class(k) : all.of_bit(k);
    };
    auto& classes = result.surfaces.emplace_back();
    for (int k = static_cast<int>(first_scored_class(data.labels)); k < network.classes(); ++k) {
      classes.push_back(ruler(mask(found, k), mask(truth, k), truth.size()));
    }
  };
  result.scores = evaluate_whole_images(network, data, indices, w.mask_threshold, measure);
  return result;
}

/// What the card says of the training stands for words that are not given: how masks were read, and the loss.
void heed_training(const model_card& card, eval_words& w) {
  try {
    const recipe trained = parse_recipe(card.recipe);
    if (!w.mask_threshold) { w.mask_threshold = trained.mask_threshold; }
    if (w.loss.empty()) { w.loss = parse_loss(trained.loss).text(); }
  } catch (const error&) {}  // by another program, or a loss of its own
}

template <class Backend>
void evaluate_on(eval_words w) {
  const loaded_weights<any_network> loaded = load_weights(w.weights, model_of(w.weights));
  w.looks.heed(loaded.card);
  heed_training(loaded.card, w);
  const any_network& network = loaded.values.network();
  scan_options scan{.mask_threshold = w.mask_threshold, .labels = label_kind_of(network)};
  if (loaded.card.labels == text_of(label_kind::overlapping)) { scan.labels = label_kind::overlapping; }  // even of one
  if (scan.labels != label_kind::binary) { scan.classes = class_names_of(loaded.card, network.classes); }
  const dataset data = scan_folder(w.data, scan);
  std::vector<std::filesystem::path> read = files_in(data);
  read.insert(read.end(), {w.weights, w.list});
  for (const std::string& written : {w.json, w.per_image}) { expect_not_read(written, read); }
  if (!w.json.empty() && std::filesystem::weakly_canonical(w.json) == std::filesystem::weakly_canonical(w.per_image)) {
    fail({w.json, ": --json and --per-image name the same file"});
  }
  std::vector<int> indices(data.samples.size());
  std::iota(indices.begin(), indices.end(), 0);
  if (!w.list.empty()) { indices = samples_in_list(data, w.list); }
  if (w.loss.empty()) { w.loss = data.labels == label_kind::exclusive ? "cross_entropy" : "bce+jaccard"; }
  const auto report = [&](const auto& ruler) {
    const auto m = w.measures_images(loaded.card) ? at_image_size<Backend>(w, loaded, data, indices, ruler)
                                                  : at_network_size<Backend>(w, loaded, data, indices, ruler);
    const auto json = as_json(data, loaded.card, m, w);
    std::cout << document_of(json) << std::endl;  // first, so that it is not lost where a file cannot be written
    if (!w.per_image.empty()) { write_text(w.per_image, per_image_csv(data, loaded.card, m)); }
    if (!w.json.empty()) { write_text(w.json, joined({document_of(json), "\n"})); }
  };
  if (w.spacing.empty()) {
    report(in_pixels{});
  } else {
    report(in_millimetres{{{w.spacing.front()}, {w.spacing.back()}}});
  }
}

}  // namespace

void add_eval(CLI::App& app) {
  auto words = std::make_shared<eval_words>();
  CLI::App* command =
      app.add_subcommand("eval",
                         "Measure weights on images with known masks; prints JSON. '_micro': over all "
                         "pixels of all images, '_mean': mean over images; of several classes all "
                         "together, and each. 'hd95' and 'assd': distances between outlines, over the images that have "
                         "both ('unmeasured': "
                         "the others). Measured at the network's size or, with --fit, at the "
                         "image's. An image that has nothing in mask and prediction counts as 1, in one "
                         "of them as 0");
  command->add_option("--weights", words->weights, "weight file")->required();
  command->add_option("--data", words->data, "folder with images/ and masks/, or masks_CLASS/ for each class")
      ->required();
  command->add_option("--list", words->list,
                      "file with the names of the images to use, one a line; others are left out");
  command->add_option("--loss", words->loss,
                      "loss to report; if not given, that of the training or, where the card names none, bce+jaccard, "
                      "or of classes that exclude one another cross_entropy");
  command->add_option("--json", words->json, "write the JSON to this file, too")->check(in_a_folder());
  command->add_option("--per-image", words->per_image, "write a CSV file with a line for each class of each image")
      ->check(in_a_folder());
  command
      ->add_option("--spacing", words->spacing,
                   "millimetres from a pixel of the images to the next, of rows and columns if they differ: distances "
                   "are in mm then, else in pixels of what is measured")
      ->expected(1, 2)
      ->check(number_between(1e-6, 1e6));
  add_mask_threshold(command, words->mask_threshold);
  command->add_flag("--ci", words->intervals, "95 % confidence intervals of the means, by a bootstrap over the images");
  words->looks.add_to(command);
  words->device.add_to(command);
  command->callback([words] {
    on_device(words->device.device, [&]<class Backend>(std::type_identity<Backend>) { evaluate_on<Backend>(*words); });
  });
}

}  // namespace segx::tool
