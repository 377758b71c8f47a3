#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
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

/// Every image among the words, once: files as they are, folders by the images in them.
std::vector<fs::path> files_of(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  std::set<fs::path> places;
  const auto add = [&](const fs::path& file) {
    std::error_code ignored;  // what is not there is said when it is read
    const fs::path folder = fs::weakly_canonical(file.has_parent_path() ? file.parent_path() : ".", ignored);
    if (places.insert(folder / file.filename()).second) { files.push_back(file); }
  };
  for (const fs::path input : inputs) {
    std::error_code ignored;  // as above
    if (!fs::is_directory(input, ignored)) {
      add(input);
      continue;
    }
    std::vector<std::string> problems;
    const auto images = detail::images_by_stem(input, problems);
    detail::report(input.string(), problems);
    if (images.empty()) {
      fail({input.string(), ": holds no images",
            fs::is_directory(input / "images", ignored) ? joined({"; did you mean ", (input / "images").string(), "?"})
                                                        : ""});
    }
    for (const auto& [stem, file] : images) { add(file); }
  }
  return files;
}

/// The names of the files that are written for one image, behind OUT/NAME.
struct endings {
  std::vector<std::string> masks;          // of each class; of classes that exclude one another one
  std::vector<std::string> overlay;        // one, or none
  std::vector<std::string> probabilities;  // of each class, or none
  std::vector<std::string> uncertainty;    // one, or none
};

template <class Segmenter>
endings endings_of(const predict_words& w, const Segmenter& network) {
  std::vector<std::string> of_class{""};
  if (network.classes() > 1) {
    of_class.clear();
    for (const std::string& name : class_names_of(network.card(), network.classes())) {
      if (const std::string wrong = detail::fault_of_class_name(name); !wrong.empty()) {
        fail({w.weights, ": the class \"", name, "\" ", wrong, ", so no file can be named after it"});
      }
      of_class.push_back(joined({".", name}));
    }
  }
  endings all;
  for (const std::string& name : of_class) {
    all.masks.push_back(joined({name, ".png"}));
    if (w.probability) { all.probabilities.push_back(joined({name, ".prob.png"})); }
  }
  if (network.label_map() == label_kind::exclusive) { all.masks = {".png"}; }
  if (w.overlay) { all.overlay = {".overlay.png"}; }
  if (w.looks.options().passes.dropout_passes > 0) { all.uncertainty = {".uncertainty.png"}; }
  return all;
}

/// No two files that are written may have one name, and none may be an image that is read, by whatever path.
void expect_places(const fs::path& out, const std::vector<fs::path>& files, const endings& all) {
  std::map<std::string, const fs::path*> written;
  for (const fs::path& file : files) {
    for (const auto* some : {&all.masks, &all.overlay, &all.probabilities, &all.uncertainty}) {
      for (const std::string& ending : *some) {
        const std::string name = file.stem().string() + ending;
        const auto [other, is_new] = written.emplace(name, &file);
        if (!is_new && other->second == &file) {
          fail({file.string(), ": two of its files would be written to ", name,
                ", as a class is called like one of them; leave out --overlay or --prob"});
        }
        if (!is_new) {
          fail({file.string(), " and ", other->second->string(), " would both be written to ", name,
                "; segment them into two folders"});
        }
      }
    }
  }
  for (const fs::path& file : files) {
    const fs::path folder = file.parent_path();
    std::error_code ignored;
    if (folder.filename() == "images" && fs::equivalent(folder / ".." / "masks", out, ignored)) {
      fail({out.string(), ": holds the true masks of ", folder.string(),
            ", which would be replaced; give --out another folder"});
    }
    const bool is_named_so = written.contains(file.filename().string());
    if (is_named_so && (fs::equivalent(file.parent_path().empty() ? "." : file.parent_path(), out, ignored) ||
                        fs::equivalent(file, out / file.filename(), ignored))) {
      fail({file.string(), ": lies in the folder to write to, where a mask would replace it; give --out another one"});
    }
  }
}

/// What is asked for of one image.
template <class Segmenter>
void write_files(const fs::path& out, Segmenter& network, const endings& all, const fs::path& file) {
  const cv::Mat image = to_unit(read_pixels(file, network.channels()));
  const bool only_labels = all.probabilities.empty() && all.uncertainty.empty();  // they take less memory
  const prediction found = only_labels ? prediction{} : network.predict(image);
  const cv::Mat labels = only_labels ? network.labels(image) : network.labels_of(found.probabilities);

  const std::string stem = (out / file.stem()).string();
  const label_kind kind = network.label_map();
  const bool exclusive = kind == label_kind::exclusive;
  if (exclusive) { write_png(stem + all.masks[0], labels); }
  for (int k = 0; !exclusive && k < network.classes(); ++k) {
    write_mask(stem + all.masks[k], mask_of_class(labels, kind, k));
  }
  for (const std::string& ending : all.overlay) {
    std::vector<cv::Mat> masks;
    for (int k = exclusive ? 1 : 0; k < network.classes(); ++k) { masks.push_back(mask_of_class(labels, kind, k)); }
    write_png(stem + ending, overlay_classes(image, masks));
  }
  for (std::size_t k = 0; k < all.probabilities.size(); ++k) {
    write_probability(stem + all.probabilities[k], found.probabilities[k]);
  }
  for (const std::string& ending : all.uncertainty) { write_probability(stem + ending, found.uncertainty); }
}

template <class Backend>
void predict(const predict_words& w) {
  const std::vector<fs::path> files = files_of(w.inputs);
  auto network = segmenter_of<Backend>(w.weights, load_weights(w.weights, model_of(w.weights)),
                                       w.looks.options(w.device.precision_of_gpu()));
  w.looks.heed(network.card());
  const endings all = endings_of(w, network);
  expect_places(w.out, files, all);
  make_folder(w.out);

  int failures = 0;
  for (const fs::path& file : files) {
    try {
      write_files(w.out, network, all, file);
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
