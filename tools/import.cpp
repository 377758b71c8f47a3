#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segx/core/error.hpp>
#include <segx/core/joined.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/import_encoder.hpp>
#include <segx/io/weight_file.hpp>

#include "commands.hpp"
#include "file_words.hpp"
#include "models.hpp"

namespace segx::tool {

namespace {

struct import_words {
  std::string encoder, file, out, licence;
  std::optional<double> epsilon;
};

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 5;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i) { text += (i == 0 ? "" : ", ") + names[i]; }
  return names.size() > shown ? joined({text, " and ", names.size() - shown, " more"}) : text;
}

void import(const import_words& w) {
  const std::vector<std::byte> bytes = read_file(w.file);
  safetensors_view file;
  if (const std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { fail({w.file, ": ", wrong}); }
  weights<any_network> filled{model_named(w.encoder)};
  import_report report;
  try {
    report = import_encoder(file, w.encoder, filled, "", w.epsilon);
  } catch (const error& wrong) { fail({w.file, ": ", wrong.what()}); }
  model_card card;
  card.model = w.encoder;
  card.height = card.width = 224;
  card.classes = "ImageNet";
  card.trained_on = joined({"ImageNet, by others; imported from ", std::filesystem::path{w.file}.filename().string()});
  card.licence = w.licence;
  save_weights(w.out, filled, card);

  constexpr const char* schemes[] = {"torchvision's", "timm's", "Keras'", "folded"};
  std::cout << report.filled << " arrays by " << schemes[static_cast<int>(report.scheme)] << " names: " << w.out
            << '\n';
  if (!report.missing.empty()) { std::cout << "zero, as the file lacks them: " << list_of(report.missing) << '\n'; }
  if (!report.unused.empty()) { std::cout << "not used: " << list_of(report.unused) << '\n'; }
}

}  // namespace

void add_import(CLI::App& app) {
  auto words = std::make_shared<import_words>();
  CLI::App* command = app.add_subcommand("import",
                                         "Make a weight file of an encoder from one that torchvision, timm or Keras "
                                         "published, as safetensors; 'segx train "
                                         "--pretrained' begins with it");
  command
      ->add_option("--encoder", words->encoder,
                   "the classifier that the weights are for, as efficientnet_b3; of MobileNetV2's, mobilenet_v2_tf has "
                   "TensorFlow's and Keras' zeros around images, as unet-mobilenetv2, and mobilenet_v2 torchvision's")
      ->check(CLI::IsMember(classifier_names()))
      ->required();
  command->add_option("file", words->file, "safetensors file")->required();
  command->add_option("--out", words->out, "weight file to write")->required();
  command
      ->add_option("--epsilon", words->epsilon,
                   "of the file's batch normalisations, where it is not the network's own (Keras' MobileNetV2: 0.001)")
      ->check(number_between(0.0, 1.0));
  command->add_option("--licence", words->licence, "for the model card: terms of the weights");
  command->callback([words] { import(*words); });
}

}  // namespace segx::tool
