// Published ImageNet weights of MobileNetV2, imported, classify two pictures as their publisher says. Arguments: a
// folder with the weight file, the pictures and the names of the classes. Ends with 77, skipped, where it is not there.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <opencv2/imgproc.hpp>

#include <segx/image/read_image.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/import_encoder.hpp>
#include <segx/models/zoo.hpp>
#include <segx/runtime/session.hpp>

using namespace segx;

namespace {

using mobilenet = image_classifier<tf_mobilenet_v2, 1001>;

struct expectation {
  const char* file;
  const char* word;
  double probability;
};

/// True if the picture's first class holds the word, with about the probability. The network takes [−1,1].
bool classifies(session<mobilenet>& classes, const std::filesystem::path& folder, const expectation& expected,
                const std::vector<std::string>& names) {
  cv::Mat picture;
  cv::resize(read_rgb(folder / expected.file), picture, {224, 224}, 0, 0, cv::INTER_LINEAR);
  auto image = xt::xtensor<float, 4>::from_shape({1, 3, 224, 224});
  for (std::size_t i = 0; i < 224 * 224; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      image.data()[c * 224 * 224 + i] = picture.ptr<float>()[i * 3 + c] * 255 / 127.5F - 1;
    }
  }
  const auto logits = classes.logits(image);
  std::size_t best = 0;
  double sum = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) { best = logits.data()[k] > logits.data()[best] ? k : best; }
  for (std::size_t k = 0; k < logits.size(); ++k) { sum += std::exp(logits.data()[k] - logits.data()[best]); }
  std::printf("%s: %s %.3f, expected %s %.3f\n", expected.file, names.at(best).c_str(), 1 / sum, expected.word,
              expected.probability);
  return names[best].find(expected.word) != std::string::npos && std::abs(1 / sum - expected.probability) < 0.05;
}

}  // namespace

int main(int, char** arguments) {
  const std::filesystem::path folder = arguments[1];
  const auto weight_file = folder / "mobilenet_v2_1.0_imagenet_bnfolded.safetensors";
  if (!std::filesystem::exists(weight_file)) {
    std::printf("skipped: there is no %s\n", weight_file.c_str());
    return 77;
  }
  std::vector<std::string> names;
  std::ifstream lines{folder / "imagenet_labels.txt"};
  for (std::string line; std::getline(lines, line);) { names.push_back(line); }

  const auto bytes = read_file(weight_file);
  safetensors_view file;
  if (const std::string wrong = parse_safetensors(bytes, file); !wrong.empty()) { fail(wrong); }
  weights<mobilenet> imported;
  import_encoder(file, "mobilenet_v2", imported);
  session<mobilenet> classes{imported, 224, 224};
  const bool cat = classifies(classes, folder, {"cat.bmp", "Egyptian cat", 0.672}, names);
  const bool parrot = classifies(classes, folder, {"parrot.jpg", "macaw", 0.925}, names);
  return cat && parrot ? 0 : 1;
}
