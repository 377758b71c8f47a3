#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <segx/data/dataset.hpp>
#include <segx/image/read_image.hpp>
#include <segx/image/write_image.hpp>
#include <segx/predict/segmenter.hpp>

#include "commands.hpp"
#include "device_words.hpp"
#include "models.hpp"
#include "segmenter_words.hpp"

namespace segx::tool {

namespace {

namespace fs = std::filesystem;

struct predict_words {
  std::string weights, out;
  std::vector<std::string> inputs;
  bool overlay = false, probability = false;
  segmenter_words looks;
  device_words device;
};

/// Every image among the words: files as they are, folders by the images in them.
std::vector<fs::path> files_of(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  for (const fs::path input : inputs) {
    if (!fs::is_directory(input)) {
      files.push_back(input);
      continue;
    }
    std::vector<std::string> problems;
    const auto images = detail::images_by_stem(input, problems);
    detail::report(input.string(), problems);
    if (images.empty()) {
      fail(input.string() + ": holds no images" +
           (fs::is_directory(input / "images") ? "; did you mean " + (input / "images").string() + "?" : ""));
    }
    for (const auto& [stem, file] : images) { files.push_back(file); }
  }
  std::map<std::string, fs::path> by_stem;
  for (const fs::path& file : files) {
    const auto [other, is_new] = by_stem.emplace(file.stem().string(), file);
    if (!is_new) {
      fail(file.string() + " and " + other->second.string() + " would both be written to " + file.stem().string() +
           ".png; segment them into two folders");
    }
  }
  return files;
}

/// A picture in the folder that masks go to would be replaced by its own mask.
void expect_no_input_in(const fs::path& out, const std::vector<fs::path>& files) {
  const fs::path folder = fs::weakly_canonical(out);
  for (const fs::path& file : files) {
    if (file.extension() == ".png" && fs::weakly_canonical(file).parent_path() == folder) {
      fail(file.string() + ": lies in the folder to write to, where its mask would replace it; give --out another one");
    }
  }
}

/// What stands in the names of files for each class; nothing where there is but one.
template <class Segmenter>
std::vector<std::string> endings_of(const Segmenter& network) {
  if (network.classes() == 1) { return {""}; }
  std::vector<std::string> endings;
  for (const std::string& name : class_names_of(network.card(), network.classes())) {
    if (name.empty() || name.find_first_of("/\\") != std::string::npos) {
      fail("the class \"" + name + "\" cannot be part of a file's name");
    }
    endings.push_back("." + name);
  }
  return endings;
}

/// What is asked for of one image.
template <class Segmenter>
void write_files(const predict_words& w, Segmenter& network, const std::vector<std::string>& endings,
                 const fs::path& file) {
  const cv::Mat image = to_unit(read_pixels(file, network.channels()));
  const bool has_uncertainty = w.looks.options().passes.dropout_passes > 0;
  const bool only_labels = !w.probability && !has_uncertainty;  // they take less memory
  const prediction found = only_labels ? prediction{} : network.predict(image);
  const cv::Mat labels = only_labels ? network.labels(image) : network.labels_of(found.probabilities);

  const std::string stem = (fs::path{w.out} / file.stem()).string();
  const label_kind kind = network.label_map();
  const bool exclusive = kind == label_kind::exclusive;
  if (exclusive) { write_png(stem + ".png", labels); }
  for (int k = 0; !exclusive && k < network.classes(); ++k) {
    write_mask(stem + endings[k] + ".png", mask_of_class(labels, kind, k));
  }
  if (w.overlay) {
    std::vector<cv::Mat> masks;
    for (int k = exclusive ? 1 : 0; k < network.classes(); ++k) { masks.push_back(mask_of_class(labels, kind, k)); }
    write_png(stem + ".overlay.png", overlay_classes(image, masks));
  }
  for (int k = 0; w.probability && k < network.classes(); ++k) {
    write_probability(stem + endings[k] + ".prob.png", found.probabilities[k]);
  }
  if (has_uncertainty) { write_probability(stem + ".uncertainty.png", found.uncertainty); }
}

template <class Backend>
void predict(const predict_words& w) {
  const std::vector<fs::path> files = files_of(w.inputs);
  expect_no_input_in(w.out, files);
  segmenter<any_network, Backend> network{w.weights, w.looks.options(w.device.precision_of_gpu()), model_of(w.weights)};
  const std::vector<std::string> endings = endings_of(network);
  make_folder(w.out);

  int failures = 0;
  for (const fs::path& file : files) {
    try {
      write_files(w, network, endings, file);
    } catch (const std::exception& failure) {
      ++failures;
      std::cerr << "segx: " << failure.what() << '\n';
    }
  }
  std::cout << "segmented " << files.size() - failures << " of " << files.size() << " images into " << w.out << '\n';
  if (failures > 0) { throw partly_failed{}; }
}

}  // namespace

void add_predict(CLI::App& app) {
  auto words = std::make_shared<predict_words>();
  CLI::App* command =
      app.add_subcommand("predict",
                         "Segment images: for each one OUT/NAME.png, a mask (0 and 255) of the image's "
                         "own size; of several classes that may overlap OUT/NAME.CLASS.png; of classes "
                         "that exclude one another OUT/NAME.png, the index of each pixel's class. Images "
                         "that cannot be read are reported and passed over; the status is 1 then");
  command->add_option("--weights", words->weights, "weight file")->required();
  command->add_option("--out", words->out, "folder to write to")->required();
  command->add_option("input", words->inputs, "images, or folders of images")->required();
  command->add_flag("--overlay", words->overlay, "also NAME.overlay.png: the masks over the image");
  command->add_flag("--prob", words->probability,
                    "also NAME.prob.png, or NAME.CLASS.prob.png: the probabilities, 16 bit");
  words->looks.add_to(command);
  words->looks.add_dropout_to(command);
  words->device.add_to(command);
  command->callback([words] {
    on_device(words->device.device, [&]<class Backend>(std::type_identity<Backend>) { predict<Backend>(*words); });
  });
}

}  // namespace segx::tool
