// Trains a U-Net on a GPU and leaves its best weights in OUT:   train_lung_gpu OUT [DATA]
//
// The same trainer, network, loss and files as on the CPU (03_train.cpp): only the backend is another. See README.md
// here.

#include <cstdio>
#include <filesystem>
#include <segx/cuda.hpp>
#include <segx/imaging.hpp>

int main(int argc, char** argv) try {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: %s OUT [DATA]\n", argv[0]);
    return 2;
  }
  if (const std::string why = segx::gpu::why_no_device(); !why.empty()) {
    std::fprintf(stderr, "skipped: %s\n", why.c_str());
    return 77;
  }
  const std::filesystem::path out = argv[1];
  const bool has_data = argc == 3;
  const std::filesystem::path folder = has_data ? std::filesystem::path{argv[2]} : out / "phantoms";
  if (!has_data) { segx::write_phantoms(folder, 8, 64, 1); }

  const segx::dataset data = segx::scan_folder(folder);
  const segx::split parts = segx::split_by_fraction(data, 0.25, 1);
  const segx::recipe recipe{.model = "unet64",
                            .height = has_data ? 256 : 32,
                            .width = has_data ? 256 : 32,
                            .learning_rate = 1e-4,
                            .schedule = "cosine",
                            .epochs = has_data ? 100 : 2,
                            .batch = has_data ? 16 : 3,
                            .seed = 1};
  segx::trainer<segx::unet64, segx::cuda> training{data, parts, recipe, segx::bce + segx::jaccard, {.folder = out}};
  const segx::train_result result = training.run();
  std::printf("best validation IoU %.3f, in epoch %d\n", result.best_iou, result.best_epoch);
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 1;
}
