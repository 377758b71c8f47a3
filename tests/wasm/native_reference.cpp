// What the WebAssembly build is compared with:  native_reference FOLDER
//
// Trains unet16 for some seconds on phantoms, so that its masks have a meaning, and segments two phantoms of odd sizes
// with it, natively. Writes weights.safetensors and, for `large` and `small`: NAME.png (the image, 8-bit gray),
// NAME.mask.png, and for readers without a PNG decoder NAME.gray and NAME.mask (bytes [height,width]) and NAME.json
// ({"height", "width"}); and NAME.best.mask, what weights/lung-best.safetensors finds.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include <segx/data/phantom.hpp>
#include <segx/image/plane.hpp>
#include <segx/image/read_image.hpp>
#include <segx/image/write_image.hpp>
#include <segx/io/atomic_file.hpp>
#include <segx/io/weight_file.hpp>
#include <segx/losses/bce.hpp>
#include <segx/models/unet.hpp>
#include <segx/models/zoo.hpp>
#include <segx/optim/adam.hpp>
#include <segx/predict/segmenter.hpp>
#include <segx/runtime/training_session.hpp>

namespace {

using network = segx::unet16;

/// Enough for masks that look like lungs.
segx::weights<network> trained() {
  constexpr int extent = 64;
  constexpr int batch = 4;
  constexpr int steps = 60;
  auto weights = segx::weights<network>::random(1);
  segx::training_session<network> session{extent, extent, {.batch = batch, .threads = 0}};
  segx::adam optimizer{{.learning_rate = 2e-3}, weights.learnable().size()};
  auto images = xt::xtensor<float, 4>::from_shape({batch, 1, extent, extent});
  xt::xtensor<float, 4> targets = images;
  xt::xtensor<float, 4> logits = images;
  xt::xtensor<float, 4> dlogits = images;
  for (std::uint32_t step = 0; step < steps; ++step) {
    for (std::size_t n = 0; n < batch; ++n) {
      const segx::phantom drawn = segx::make_phantom(step * batch + n, extent);
      cv::Mat gray;
      drawn.image.convertTo(gray, CV_32F, 1.0 / 65535);
      segx::copy_to_plane(gray, images, n);
      segx::copy_to_plane(drawn.mask / 255, targets, n);
    }
    session.forward(weights.values(), images, logits, {static_cast<std::uint32_t>(step)});
    dlogits.fill(0);
    const double loss = segx::bce(logits, targets, dlogits);
    session.clear_gradients();
    session.backward(weights.values(), dlogits);
    optimizer.step(weights.learnable(), session.slopes());
    if (step % 10 == 9) { std::cout << "step " << step + 1 << ", loss " << loss << std::endl; }
  }
  return weights;
}

void write_bytes(const std::filesystem::path& file, const cv::Mat& bytes) {
  const cv::Mat whole = bytes.clone();
  segx::write_file_atomically(file, std::as_bytes(std::span{whole.data, whole.total()}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: native_reference FOLDER\n";
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder);
    segx::model_card card;
    card.model = "unet16";
    card.height = card.width = 256;
    card.trained_on = "phantoms";
    card.licence = "BSD-3-Clause";
    segx::save_weights(folder / "weights.safetensors", trained(), card);

    segx::segmenter<network> lungs{folder / "weights.safetensors"};
    segx::segmenter<segx::unet_mobilenetv2<1>> best{SEGX_WEIGHTS "/lung-best.safetensors"};
    struct picture {
      std::string name;
      int size, height, width;
    };
    for (const auto& [name, size, height, width] : {picture{"large", 600, 583, 521}, picture{"small", 230, 199, 221}}) {
      const cv::Mat drawn = segx::make_phantom(1000 + size, size).image;
      const cv::Rect middle{(size - width) / 2, (size - height) / 2, width, height};
      cv::Mat gray;
      drawn(middle).convertTo(gray, CV_8U, 255.0 / 65535);
      const auto file = [&, &name = name](const char* end) { return folder / (name + end); };
      segx::write_png(file(".png"), gray);
      const cv::Mat mask = lungs.mask(segx::read_gray(file(".png")));
      segx::write_mask(file(".mask.png"), mask);
      write_bytes(file(".gray"), gray);
      write_bytes(file(".mask"), mask * 255);
      write_bytes(file(".best.mask"), best.mask(segx::read_gray(file(".png"))) * 255);
      const std::string extents =
          R"({"height": )" + std::to_string(height) + R"(, "width": )" + std::to_string(width) + "}\n";
      segx::write_file_atomically(file(".json"), std::as_bytes(std::span{extents}));
      std::cout << name << ": lungs are " << 100.0 * cv::countNonZero(mask) / static_cast<double>(mask.total())
                << " % of the image\n";
    }
  } catch (const std::exception& problem) {
    std::cerr << "native_reference: " << problem.what() << '\n';
    return 1;
  }
  return 0;
}
