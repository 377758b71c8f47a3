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
#include "models.hpp"

namespace segx::tool {

namespace {

namespace fs = std::filesystem;

struct predict_words {
  std::string weights, out;
  std::vector<std::string> inputs;
  bool overlay = false, probability = false;
  int threads = 0;
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
    if (images.empty()) { fail(input.string() + ": holds no images"); }
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

void predict(const predict_words& w) {
  const std::vector<fs::path> files = files_of(w.inputs);
  segmenter<any_network> network{w.weights, w.threads, model_of(w.weights)};
  make_folder(w.out);

  int failures = 0;
  for (const fs::path& file : files) {
    try {
      const cv::Mat gray = read_gray(file);
      const cv::Mat probability = network.probability(gray);
      const cv::Mat mask = network.mask_of(probability);
      const fs::path stem = fs::path{w.out} / file.stem();
      write_mask(stem.string() + ".png", mask);
      if (w.overlay) { write_png(stem.string() + ".overlay.png", overlay(gray, mask)); }
      if (w.probability) { write_probability(stem.string() + ".prob.png", probability); }
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
  CLI::App* command = app.add_subcommand("predict",
                                         "Segment images: for each one OUT/NAME.png, a mask (0 and 255) of the image's "
                                         "own size. Images that cannot be read are "
                                         "reported and passed over; the status is 1 then");
  command->add_option("--weights", words->weights, "weight file")->required();
  command->add_option("--out", words->out, "folder to write to")->required();
  command->add_option("input", words->inputs, "images, or folders of images")->required();
  command->add_flag("--overlay", words->overlay, "also NAME.overlay.png: the mask over the image");
  command->add_flag("--prob", words->probability, "also NAME.prob.png: the probabilities, 16 bit");
  command->add_option("--threads", words->threads, "0: as many as the machine has")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->callback([words] { predict(*words); });
}

}  // namespace segx::tool
